create table products (
  id uuid primary key default gen_random_uuid(),
  sku text not null unique,
  stock int not null,
  tags text[] not null default '{}',
  details jsonb not null default '{}'
);
create table orders (
  id serial primary key,
  product_id uuid not null references products (id),
  quantity int not null,
  at timestamptz not null default now()
);
