ALTER TABLE "scratch"."migrated" ADD COLUMN "extra" jsonb;--> statement-breakpoint
CREATE FUNCTION "scratch"."double"(n integer) RETURNS integer LANGUAGE plpgsql AS $$ begin return n * 2; end; $$;--> statement-breakpoint
INSERT INTO "scratch"."migrated" ("id", "extra") VALUES (scratch.double(1), '{"a": [1]}'); UPDATE "scratch"."migrated" SET "name" = 'both' WHERE "id" = 2;
