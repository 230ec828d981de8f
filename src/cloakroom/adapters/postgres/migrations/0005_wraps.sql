-- Wrapped keys of 120 bytes with one commitment, and shorter envelopes (docs/spec/keys.md, docs/spec/envelope.md).
-- What was sealed before has other bytes, and this program does not read them.
do $$
begin
    if exists (select from person_key) then
        raise exception 'this store holds records that an earlier version of the program sealed in another format; '
            'make a new store and import the deliveries again';
    end if;
end $$;

comment on column person_key.wraps is 'three wrapped class keys of 32 bytes, a commitment of 24';
