-- The tables of Tidewell's booking system, PostgreSQL 16.

create table retreats (
    code        text primary key,
    title       text not null,
    begins      date not null,
    nights      smallint not null check (nights between 0 and 14),
    places      smallint not null check (places between 1 and 9),
    price_pence integer not null
);

-- Paid bookings and holds are the same thing at different ages.
create table bookings (
    id          uuid primary key default gen_random_uuid(),
    retreat     text not null references retreats (code),
    visitor     text not null,
    paid        boolean not null default false,
    expires_at  timestamptz,
    link_secret text not null default encode(gen_random_bytes(15), 'base64'),
    constraint hold_expires check (paid or expires_at is not null)
);

-- Answers for the insurer. Encrypted by the application; left out of nightly dumps.
create table health_declarations (
    booking   uuid primary key references bookings (id) on delete cascade,
    answers   bytea not null,
    signed_at timestamptz not null,
    delete_on date generated always as ((signed_at at time zone 'UTC')::date + 1096) stored
);

-- How full every retreat is, for the page and for the bell in the office.
create view occupancy as
select r.code, r.places, count(b.id) filter (where b.paid) as sold,
       r.places - count(b.id) filter (where b.paid or b.expires_at > now()) as free
from retreats r left join bookings b on b.retreat = r.code
group by r.code, r.places;

-- The daily figure on Hannah's screen: money that is promised and not yet charged.
create view outstanding as
select date_trunc('month', begins) as month, sum(price_pence) - sum(price_pence) / 4 as pence
from retreats join bookings on bookings.retreat = retreats.code
where paid and begins > current_date + 35
group by 1;
