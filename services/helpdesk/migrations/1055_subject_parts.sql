-- Every three letters that follow each other in a text, by which a part of a subject is found.
create function letters_of(text) returns text[] language sql immutable strict parallel safe as $$
    select array_agg(substr(lower($1), place, 3)) from generate_series(1, length(lower($1)) - 2) place
$$;
