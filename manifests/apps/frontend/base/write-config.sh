# Writes the keys of $BROWSER_KEYS, and no others, as window.config: write-config.sh FILE
set -eu
{
    printf 'window.config = {'
    separator=
    for key in $BROWSER_KEYS; do
        value=$(printenv "$key") # a key that is missing ends the script
        # As JSON; < too, because the file may end up inside a page.
        value=$(printf %s "$value" | sed 's/\\/\\\\/g; s/"/\\"/g; s/</\\u003c/g')
        printf '%s"%s": "%s"' "$separator" "$key" "$value"
        separator=', '
    done
    printf '};\n'
} >"$1"
