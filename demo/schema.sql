-- Every process runs this first: whoever comes first makes the tables, the others find them.
CREATE TABLE IF NOT EXISTS airports (
  faa VARCHAR PRIMARY KEY, name VARCHAR NOT NULL, lat DOUBLE PRECISION, lon DOUBLE PRECISION, alt INTEGER, tz INTEGER,
  dst VARCHAR, tzone VARCHAR);
CREATE TABLE IF NOT EXISTS weather (
  id BIGINT PRIMARY KEY, origin VARCHAR NOT NULL, year INTEGER, month INTEGER, day INTEGER, hour INTEGER,
  temp DOUBLE PRECISION, dewp DOUBLE PRECISION, humid DOUBLE PRECISION, wind_dir INTEGER, wind_speed DOUBLE PRECISION,
  wind_gust DOUBLE PRECISION, precip DOUBLE PRECISION, pressure DOUBLE PRECISION, visib DOUBLE PRECISION,
  time_hour TIMESTAMP);
CREATE TABLE IF NOT EXISTS flights (
  id BIGINT PRIMARY KEY, year INTEGER, month INTEGER, day INTEGER, dep_time INTEGER, sched_dep_time INTEGER,
  dep_delay INTEGER, arr_time INTEGER, sched_arr_time INTEGER, arr_delay INTEGER, carrier VARCHAR NOT NULL,
  flight INTEGER, tailnum VARCHAR, origin VARCHAR NOT NULL, dest VARCHAR NOT NULL, air_time INTEGER, distance INTEGER,
  hour INTEGER, minute INTEGER, time_hour TIMESTAMP);
-- Three rows that all writers update all the time: a lost update would show in the sums.
CREATE TABLE IF NOT EXISTS totals (origin VARCHAR PRIMARY KEY, flights BIGINT NOT NULL, weather BIGINT NOT NULL);
INSERT INTO totals VALUES ('EWR', 0, 0), ('JFK', 0, 0), ('LGA', 0, 0) ON CONFLICT DO NOTHING;
