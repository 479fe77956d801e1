/** Creates the tables that all cases share. Run before either handle connects, so both learn the enum's array type. */
export const createWorld = `
  create type mood as enum ('sad', 'ok', 'happy');
  create table people (
    id serial primary key,
    name text not null,
    email varchar(40) constraint people_email_unique unique,
    age integer,
    mood mood default 'ok',
    moods mood[],
    balance numeric(12, 2),
    visits bigint,
    tags text[] not null default '{}',
    profile jsonb,
    manager_id integer references people (id),
    active boolean not null default true,
    created_at timestamptz not null default '2024-02-29 12:34:56.789+00'
  );
  create table posts (
    id integer primary key generated always as identity,
    author_id integer not null references people (id) on delete cascade,
    title text not null,
    slug text generated always as (lower(title)) stored,
    body text,
    likes bigint not null default 0,
    published_on date
  );
  create table comments (
    id serial primary key,
    post_id integer not null references posts (id) on delete cascade,
    author_id integer references people (id) on delete set null,
    text text not null
  );
  create table groups (id serial primary key, name text not null constraint groups_name_unique unique);
  create table memberships (
    person_id integer not null references people (id) on delete cascade,
    group_id integer not null references groups (id),
    role text not null default 'member',
    primary key (person_id, group_id)
  );
  create table accounts (
    id integer primary key,
    owner text not null,
    amount integer not null constraint accounts_amount_positive check (amount >= 0)
  );
  create table entries (
    id integer primary key,
    account_id integer not null constraint entries_account_fk references accounts (id) deferrable initially deferred
  );
  create view active_authors as select id, name, age from people where active;
  create materialized view post_counts as
    select author_id, count(*) as posts from posts group by author_id order by author_id;
  create schema scratch;
`

/** Drops what a case made for itself. */
export const resetScratch = 'drop schema scratch cascade; create schema scratch'

/** Changes whenever a row of a shared table was written or a sequence counted: a reset costs more than to ask. */
export const worldFingerprint = `
  select md5(concat_ws('|',
    ${['people', 'posts', 'comments', 'groups', 'memberships', 'accounts', 'entries', 'post_counts']
      .map((table) => `(select string_agg(concat(ctid, xmin), ',' order by ctid) from ${table})`)
      .join(', ')},
    (select string_agg(concat(sequencename, last_value), ',' order by sequencename) from pg_sequences)
  )) as fingerprint
`

/** Brings the shared tables to the state every case starts from: order of rows, sequences and views included. */
export const resetWorld = `
  truncate people, posts, comments, groups, memberships, accounts, entries restart identity;
  insert into people (name, email, age, mood, moods, balance, visits, tags, profile, manager_id, active) values
    ('Ada', 'ada@example.org', 36, 'happy', '{happy,ok}', 1234.50, 9007199254740993, '{math,"first, again"}',
      '{"languages": ["en", "fr"], "address": {"city": "London", "zip": null}}', null, true),
    ('Grace', 'grace@example.org', 85, 'ok', '{}', -0.01, -1, '{navy}', '[]', 1, true),
    ('Łukasz "Q" O''Neil', null, null, null, null, null, null, '{}', null, 1, false),
    ('Edsger', 'ewd@example.org', 72, 'sad', '{sad,NULL}', 0, 0, '{"",NULL,"null"}', '"text"', 2, true),
    ('Barbara', 'barbara@example.org', 36, 'happy', null, 99999999.99, 42, '{a,b,c}', '{"n": 1e3}', 2, true);
  insert into posts (author_id, title, body, likes, published_on) values
    (1, 'Notes on the Engine', 'Sketch', 3, '1843-08-01'),
    (1, 'Letters', null, 0, null),
    (2, 'Nanoseconds', 'Wire', 12, '1969-07-20'),
    (4, 'GOTO', 'Harmful', 4503599627370496, '1968-03-01'),
    (5, 'Types', 'Abstract', 7, '1974-03-28');
  insert into comments (post_id, author_id, text) values
    (1, 2, 'bravo'), (1, null, 'anonymous'), (3, 1, 'how long?'), (4, 5, 'agreed'), (4, 1, 'hm'), (4, 2, 'no');
  insert into groups (name) values ('staff'), ('guests'), ('empty');
  insert into memberships (person_id, group_id, role) values
    (1, 1, 'lead'), (2, 1, 'member'), (1, 2, 'member'), (5, 2, 'guest');
  insert into accounts (id, owner, amount) values (1, 'Ada', 100), (2, 'Grace', 50), (3, 'Edsger', 0);
  refresh materialized view post_counts;
`
