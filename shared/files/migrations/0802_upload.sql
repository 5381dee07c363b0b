-- How S3 calls an upload in parts that has begun and not ended: whoever removes the file ends it there, whatever died meanwhile.
alter table file add column upload text;
