-- Run once by the superuser, before the migrations. As in production, the owner is not a superuser. It has no password
-- here: /seed/copy sets it from a Secret.
CREATE ROLE app LOGIN;
CREATE DATABASE app OWNER app;
