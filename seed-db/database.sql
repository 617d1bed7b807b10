-- Run once by the superuser, before the migrations. The owner is no superuser, as in production, and has no password
-- here: /seed/copy sets it from a Secret.
CREATE ROLE app LOGIN;
CREATE DATABASE app OWNER app;
