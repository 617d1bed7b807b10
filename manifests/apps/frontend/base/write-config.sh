# Writes the keys of $BROWSER_KEYS, and no others, as window.config: write-config.sh FILE
set -eu
{
    printf 'window.config = {'
    separator=
    for key in $BROWSER_KEYS; do
        # As JSON; < too, because the file may end up inside a page.
        value=$(printenv "$key" | sed 's/\\/\\\\/g; s/"/\\"/g; s/</\\u003c/g')
        printf '%s"%s": "%s"' "$separator" "$key" "$value"
        separator=', '
    done
    printf '};\n'
} >"$1"
