// libpqxx against a server: one line for each check, "name ok" or "name FAILED why".
#include <cstdlib>
#include <functional>
#include <iostream>
#include <pqxx/pqxx>
#include <string>
#include <vector>

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string address(const std::string& more = "sslmode=disable") {
  return "host=localhost " + more;  // the rest by libpq's own variables
}

template <typename A, typename B>
void same(const A& expected, const B& got) {
  if (!(expected == got)) throw std::runtime_error("something else came");
}

void check(const char* name, const std::function<void()>& body) {
  try {
    body();
    std::cout << name << " ok" << std::endl;
  } catch (const std::exception& problem) {
    std::string text = problem.what();
    for (char& c : text) c = c == '\n' ? ' ' : c;
    std::cout << name << " FAILED " << text << std::endl;
  }
}

void types() {
  pqxx::connection connection(address());
  pqxx::work work(connection);
  const pqxx::row row = work.exec_params1("select $1::int, $2::bigint, $3::text, $4::boolean, $5::float8, $6::text", -7,
                                          1LL << 60, "Grüße", true, 0.5, nullptr);
  same(-7, row[0].as<int>());
  same(1LL << 60, row[1].as<long long>());
  same(std::string("Grüße"), row[2].as<std::string>());
  same(true, row[3].as<bool>());
  same(0.5, row[4].as<double>());
  same(true, row[5].is_null());
  const std::string bytes("\0\1\xff", 3);
  const pqxx::binarystring sent(bytes);
  same(bytes, pqxx::binarystring(work.exec_params1("select $1::bytea", sent)[0]).str());
  auto array = work.exec1("select array['a,b', null, '\"q\"']")[0].as_array();
  same(pqxx::array_parser::juncture::row_start, array.get_next().first);
  same(std::string("a,b"), array.get_next().second);
  same(pqxx::array_parser::juncture::null_value, array.get_next().first);
  same(std::string("\"q\""), array.get_next().second);
}

void prepared() {
  pqxx::connection connection(address());
  connection.prepare("add", "select $1::int + $2::int");
  pqxx::work work(connection);
  for (int i = 0; i < 100; i++) same(2 * i, work.exec_prepared1("add", i, i)[0].as<int>());
}

void transactions() {
  pqxx::connection connection(address());
  pqxx::nontransaction(connection).exec("drop table if exists xt; create table xt(i int)");
  {
    pqxx::work work(connection);
    same(1U, work.exec0("insert into xt values (1)").affected_rows());
    work.commit();
  }
  { pqxx::work(connection).exec("insert into xt values (2)"); }
  pqxx::read_transaction reading(connection);
  same(1, reading.exec1("select sum(i) from xt")[0].as<int>());
  try {
    reading.exec("insert into xt values (3)");
    throw std::logic_error("written in a read-only transaction");
  } catch (const pqxx::sql_error& error) {
    same(std::string("25006"), error.sqlstate());
  }
}

void savepoints() {
  pqxx::connection connection(address());
  pqxx::nontransaction(connection).exec("drop table if exists xs; create table xs(i int)");
  pqxx::work work(connection);
  work.exec("insert into xs values (1)");
  {
    pqxx::subtransaction inner(work);
    inner.exec("insert into xs values (2)");
    inner.abort();
  }
  same(1, work.exec1("select sum(i) from xs")[0].as<int>());
  work.commit();
}

void errors() {
  pqxx::connection connection(address());
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"selec 1", "42601"}, {"select * from not_there", "42P01"}, {"select 'x'::int", "22P02"}};
  for (const auto& [sql, code] : cases) {
    try {
      pqxx::nontransaction(connection).exec(sql);
      throw std::logic_error("no error: " + sql);
    } catch (const pqxx::sql_error& error) {
      same(code, error.sqlstate());
    }
  }
  pqxx::nontransaction again(connection);
  again.exec("drop table if exists xe; create table xe(i int primary key); insert into xe values (1)");
  try {
    again.exec("insert into xe values (1)");
    throw std::logic_error("a duplicate was accepted");
  } catch (const pqxx::unique_violation&) {
  }
}

void cursor() {
  pqxx::connection connection(address());
  pqxx::work work(connection);
  pqxx::stateless_cursor<pqxx::cursor_base::read_only, pqxx::cursor_base::owned> rows(
      work, "select g from generate_series(1, 1000) as r(g)", "c", false);
  same(100, static_cast<int>(rows.retrieve(100, 200).size()));
}

void pipeline() {
  pqxx::connection connection(address());
  pqxx::work work(connection);
  pqxx::pipeline questions(work);
  std::vector<pqxx::pipeline::query_id> ids;
  for (int i = 0; i < 50; i++) ids.push_back(questions.insert("select " + std::to_string(i)));
  for (int i = 0; i < 50; i++) same(i, questions.retrieve(ids[i])[0][0].as<int>());
}

void stream_to() {
  pqxx::connection connection(address());
  pqxx::nontransaction(connection).exec("drop table if exists xc; create table xc(i int, s text)");
  pqxx::work work(connection);
  pqxx::stream_to stream(work, "xc", std::vector<std::string>{"i", "s"});
  for (int i = 0; i < 1000; i++) stream << std::make_tuple(i, "row\t" + std::to_string(i));
  stream.complete();
  same(1000, work.exec1("select count(*) from xc")[0].as<int>());
  work.commit();
}

struct Hearer : pqxx::notification_receiver {
  explicit Hearer(pqxx::connection_base& connection) : notification_receiver(connection, "news") {}
  void operator()(const std::string& payload, int) override { heard = payload; }
  std::string heard;
};

void listen() {
  pqxx::connection a(address());
  pqxx::connection b(address());
  Hearer hearer(a);
  pqxx::nontransaction(b).exec("notify news, 'hello'");
  a.await_notification(10, 0);
  same(std::string("hello"), hearer.heard);
}

}  // namespace

int main() {
  check("password", [] { same(true, pqxx::connection(address()).is_open()); });
  check("tls", [] {
    pqxx::connection connection(
        address("sslmode=verify-full channel_binding=require sslrootcert=" + environment("MERGANSER_CA")));
    pqxx::work work(connection);
    same(1, work.exec1("select 1")[0].as<int>());
  });
  check("wrong_password", [] {
    try {
      pqxx::connection connection(address("password=wrong"));
      throw std::logic_error("let in");
    } catch (const pqxx::broken_connection&) {
    }
  });
  check("types", types);
  check("prepared", prepared);
  check("transactions", transactions);
  check("savepoints", savepoints);
  check("errors", errors);
  check("cursor", cursor);
  check("pipeline", pipeline);
  check("copy_in", stream_to);
  check("listen", listen);
  return 0;
}
