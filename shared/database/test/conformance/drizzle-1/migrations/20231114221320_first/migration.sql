CREATE TYPE "scratch"."shade" AS ENUM('light', 'dark');--> statement-breakpoint
CREATE TABLE "scratch"."migrated" (
	"id" integer PRIMARY KEY NOT NULL,
	"name" text DEFAULT 'it''s "named"' NOT NULL,
	"shade" "scratch"."shade"
);
--> statement-breakpoint
INSERT INTO "scratch"."migrated" ("id", "shade") VALUES (1, 'dark');
