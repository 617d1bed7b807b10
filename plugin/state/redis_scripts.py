"""The scripts that write the state. Redis runs each as one step, so nothing can come in between.

https://redis.io/docs/latest/develop/programmability/eval-intro/
"""

from plugin.state.redis_keys import RETIRED_FOR

# Above every version, so that programs of schema 1 never answer from anything older than the last answer.
NEVER = 10**15

# Writes what changed (with `whole`: everything) if the lease and the version are still the ones that the writer knows.
# `source` is the schema of the state that it was made from. From then on, programs of schema 1 must neither poll nor
# answer. Their state is deleted: it is older than what is answered now, so answering from it would delete previews.
SAVE = f"""
local state, lease, schema, state_of_1, lease_of_1 = unpack(KEYS)
local token, retired, source, identity, writes = unpack(ARGV, 1, 5)
local next_version, next_identity, fresh_at, newest, whole, puts = unpack(ARGV, 6, 11)
if redis.call('GET', lease) ~= token then return 'lease' end
local holder = redis.call('GET', lease_of_1)
if holder ~= token and holder ~= retired then return 'lease' end
local in_force = redis.call('GET', schema)
local old = redis.call('HMGET', state_of_1, 'version', 'floor')
local of_1 = not in_force and (old[1] or old[2]) and true or false
if tonumber(in_force or '0') > tonumber(newest) or of_1 ~= (source == '1') then return 'newer' end
local head = redis.call('HMGET', of_1 and state_of_1 or state, 'identity', 'writes', 'floor')
local floor = tonumber(head[3] or 0)
if (head[1] or '') ~= identity or (head[2] or '0') ~= writes or floor > tonumber(next_version) then return 'newer' end
if whole == 'whole' then redis.call('DEL', state) end
local last = 11 + 2 * puts
for i = 12, last, 2 do redis.call('HSET', state, ARGV[i], ARGV[i + 1]) end
for i = last + 1, #ARGV do redis.call('HDEL', state, ARGV[i]) end
redis.call('HSET', state, 'version', next_version, 'identity', next_identity, 'fresh_at', fresh_at)
redis.call('HSET', state, 'writes', writes + 1, 'floor', floor)
redis.call('SET', schema, newest)
redis.call('SET', lease_of_1, retired, 'PX', {RETIRED_FOR})
if redis.call('DEL', state_of_1) == 1 then redis.call('HSET', state_of_1, 'floor', {NEVER}) end
return 'stored'
"""

# Stores one entry if it is still the one that the new one was made from. What counts then (`new`) is a new version, or
# only another value of `reports`.
PUT = """
local state, schema, state_of_1 = unpack(KEYS)
local newest, new, identity, field, before, after = unpack(ARGV)
local in_force = redis.call('GET', schema)
if in_force and in_force ~= newest then return 'another version' end
local old = redis.call('HMGET', state_of_1, 'version', 'floor')
if not in_force and (old[1] or old[2]) then return 'another version' end
if (redis.call('HGET', state, field) or '') ~= before then return 'changed' end
redis.call('HSET', state, new == 'version' and 'identity' or 'reports', identity, field, after)
if new == 'version' then
    redis.call('HINCRBY', state, 'version', 1)
    redis.call('HINCRBY', state, 'writes', 1)
end
return 'stored'
"""

# Says that no version below this one may be answered from.
RAISE_FLOOR = """
if tonumber(redis.call('HGET', KEYS[1], 'floor') or '0') < tonumber(ARGV[1]) then
    redis.call('HSET', KEYS[1], 'floor', ARGV[1])
end
"""
