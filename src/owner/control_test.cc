#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "os/io.h"
#include "os/temp_dir_for_test.h"
#include "os/unix_socket.h"
#include "owner/control_client.h"
#include "owner/control_server.h"
#include "owner/small_server_for_test.h"
#include "owner/startup_report.h"
#include "owner/wire.h"

namespace merganser::owner {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Deadline soon() {
  return Deadline::in(seconds(5));
}

class Control : public testing::Test {
 protected:
  void start(ControlLimits limits = {}) {
    identity_.nonce = "n";
    identity_.protocol_min = kProtocolMin;
    identity_.protocol_max = kProtocolMax;
    endpoint_.control = dir_.file("control");
    auto server = ControlServer::start(
        endpoint_.control, identity_,
        [](std::string_view op, const std::string& request) -> Result<std::string> {
          if (op == "echo") return request;
          if (op == "bad") return std::string("{not json");
          if (op == "big") return "\"" + std::string(1 << 20, 'x') + "\"";
          return make_error(ErrorCode::kUndefinedObject, "no operation " + std::string(op), "d", "h");
        },
        limits);
    ASSERT_TRUE(server.ok()) << server.error().to_string();
    server_ = std::move(server).value();
  }
  os::UniqueFd socket() { return os::connect_unix(endpoint_.control, soon()).value(); }
  static std::string ask(int fd, const std::string& bytes) {
    EXPECT_TRUE(os::send_all(fd, bytes, soon()).ok());
    const auto line = os::LineReader(fd, 1 << 22).next(soon());
    return line.ok() && *line ? **line : "";
  }

  os::TempDir dir_;
  wire::Hello identity_;
  Endpoint endpoint_;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(Control, AnswersAndReportsErrors) {
  start();
  EXPECT_EQ(*control_request(endpoint_, "echo", R"({"a":1})", soon()), R"({"a":1,"op":"echo","protocol":1})");
  const Result<std::string> unknown = control_request(endpoint_, "dance", "", soon());
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::kUndefinedObject);
  EXPECT_EQ(unknown.error().message, "no operation dance");
  EXPECT_EQ(unknown.error().hint, "h");
  EXPECT_EQ(control_request(endpoint_, "bad", "", soon()).error().code, ErrorCode::kInternalError);
  EXPECT_EQ(control_request(endpoint_, "big", "", soon())->size(), (1u << 20) + 2);
  EXPECT_FALSE(control_request(endpoint_, "echo", "[1]", soon()).ok()) << "arguments are an object";
}

TEST_F(Control, ReadsLinesInPiecesAndSeveralAtOnce) {
  start();
  const os::UniqueFd fd = socket();
  ASSERT_TRUE(os::send_all(fd.get(), R"({"op":"hel)", soon()).ok());
  std::this_thread::sleep_for(milliseconds(20));
  ASSERT_TRUE(os::send_all(fd.get(), "lo\"}\n{\"op\":\"hello\"}\n", soon()).ok());
  os::LineReader lines(fd.get(), 10000);
  EXPECT_EQ(wire::parse_hello(**lines.next(soon()))->nonce, "n");
  EXPECT_EQ(wire::parse_hello(**lines.next(soon()))->nonce, "n");
}

TEST_F(Control, AnswersNonsenseWithAnError) {
  start();
  const os::UniqueFd fd = socket();
  for (const char* line : {"nonsense", "[]", "{}", "{\"op\":7}", "\"\\ud800\"", ""}) {
    const Result<std::string> reply = wire::parse_reply(ask(fd.get(), std::string(line) + "\n"));
    ASSERT_FALSE(reply.ok()) << line;
    EXPECT_EQ(reply.error().code, ErrorCode::kProtocolViolation) << line;
  }
  const Result<std::string> other = wire::parse_reply(ask(fd.get(), "{\"op\":\"echo\",\"protocol\":99}\n"));
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, ErrorCode::kProtocolViolation);
}

TEST_F(Control, ClosesOnALineThatIsTooLong) {
  start({.connections = 4, .line_bytes = 1000, .idle = seconds(30)});
  const os::UniqueFd fd = socket();
  EXPECT_EQ(ask(fd.get(), std::string(2000, 'x')), "");
  EXPECT_TRUE(control_request(endpoint_, "echo", "", soon()).ok());
}

TEST_F(Control, ClosesIdleConnectionsAndLetsTheNextIn) {
  start({.connections = 2, .line_bytes = 1000, .idle = milliseconds(200)});
  const os::UniqueFd one = socket(), two = socket();
  EXPECT_TRUE(control_request(endpoint_, "echo", "", soon()).ok()) << "waits in the queue until there is room";
  EXPECT_FALSE(os::LineReader(one.get(), 10).next(soon())->has_value());
}

TEST_F(Control, AClientThatDoesNotReadHoldsNobodyUp) {
  start();
  const os::UniqueFd fd = socket();
  std::string many;
  for (int i = 0; i < 20; i++) many += "{\"op\":\"big\",\"protocol\":1}\n";
  ASSERT_TRUE(os::send_all(fd.get(), many, soon()).ok());
  for (int i = 0; i < 5; i++) EXPECT_TRUE(control_request(endpoint_, "echo", "", soon()).ok());
  os::LineReader lines(fd.get(), 1 << 22);
  for (int i = 0; i < 20; i++) {
    const Result<std::optional<std::string>> line = lines.next(Deadline::in(seconds(60)));
    ASSERT_TRUE(line.ok() && *line) << "it gets every answer once it reads";
    EXPECT_GT((*line)->size(), 1u << 20);
  }
}

TEST_F(Control, AClientThatNeverReadsIsDropped) {
  start({.connections = 4, .line_bytes = 1 << 16, .idle = milliseconds(100)});
  const os::UniqueFd fd = socket();
  std::string many;
  for (int i = 0; i < 20; i++) many += "{\"op\":\"big\",\"protocol\":1}\n";
  ASSERT_TRUE(os::send_all(fd.get(), many, soon()).ok());
  // Reading nothing, it sees the hang-up and nothing else.
  pollfd entry{fd.get(), 0, 0};
  EXPECT_EQ(::poll(&entry, 1, 10000), 1);
  EXPECT_NE(entry.revents & POLLHUP, 0);
}

TEST_F(Control, UseKeepsItFromLeavingAndLeavingIsSaid) {
  start();
  const TimePoint before = server_->last_use();
  const os::UniqueFd fd = socket();
  EXPECT_FALSE(wire::parse_hello(ask(fd.get(), wire::hello_line(wire::Intent::kLook) + "\n"))->leaving);
  EXPECT_EQ(server_->last_use(), before);
  EXPECT_FALSE(wire::parse_hello(ask(fd.get(), wire::hello_line(wire::Intent::kUse) + "\n"))->leaving);
  EXPECT_GT(server_->last_use(), before);
  EXPECT_FALSE(server_->set_leaving_unless_used(before)) << "somebody came in";
  EXPECT_FALSE(wire::parse_hello(ask(fd.get(), wire::hello_line(wire::Intent::kLook) + "\n"))->leaving);
  const TimePoint used = server_->last_use();
  EXPECT_TRUE(server_->set_leaving_unless_used(used));
  EXPECT_TRUE(wire::parse_hello(ask(fd.get(), wire::hello_line(wire::Intent::kUse) + "\n"))->leaving);
  EXPECT_EQ(server_->last_use(), used) << "who is told to wait does not use it";
}

TEST_F(Control, RefusesOtherUsers) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  // The server runs as nobody; root may come in, a third user may not.
  std::filesystem::permissions(dir_.path(), std::filesystem::perms(0777));
  endpoint_.control = dir_.file("control");
  Forked server([&] {
    if (!become(kNobody)) return 2;
    start();
    ::chmod(endpoint_.control.c_str(), 0777);
    std::ofstream(dir_.file("ready")) << "x";
    while (true) ::pause();
  });
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(dir_.file("ready")); }));
  EXPECT_TRUE(control_request(endpoint_, "echo", "", soon()).ok());
  Forked third([&] {
    if (!become(65533)) return 2;
    return control_request(endpoint_, "echo", "", soon()).ok() ? 1 : 0;
  });
  EXPECT_EQ(third.wait(), 0);
}

TEST(Probe, DoesNotTrustAnEndpointOrASocketOfAThirdUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  os::TempDir dir;
  const std::string path = dir.file("t.duckdb");
  std::ofstream(path) << "x";
  Endpoint endpoint;
  endpoint.database = path;
  endpoint.control = dir.file("control");
  ASSERT_TRUE(write_endpoint(place_of(path), endpoint).ok());
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0777));
  Forked squatter([&] {
    if (!become(kNobody)) return 2;
    const auto server = ControlServer::start(endpoint.control, {}, nullptr);
    std::ofstream(dir.file("ready")) << "x";
    while (true) ::pause();
  });
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(dir.file("ready")); }));
  const Probe found = probe(place_of(path), wire::Intent::kUse, soon());
  EXPECT_EQ(found.state, ProbeState::kRefused);
  EXPECT_NE(found.error.message.find("runs as nobody"), std::string::npos) << found.error.to_string();
  ASSERT_EQ(::chown((path + ".endpoint").c_str(), kNobody, kNobody), 0);
  const Probe planted = probe(place_of(path), wire::Intent::kUse, soon());
  EXPECT_EQ(planted.state, ProbeState::kRefused);
  EXPECT_NE(planted.error.message.find("not trusted"), std::string::npos) << planted.error.to_string();
}

TEST(Probe, AnEndpointThatCannotBeReadIsStale) {
  os::TempDir dir;
  std::ofstream(dir.file("t.duckdb")) << "x";
  std::ofstream(dir.file("t.duckdb.endpoint")) << "{\"half\":";
  EXPECT_EQ(probe(place_of(dir.file("t.duckdb")), wire::Intent::kUse, soon()).state, ProbeState::kStale);
}

TEST(Probe, AnotherProtocolIsRefused) {
  os::TempDir dir;
  const std::string path = dir.file("t.duckdb");
  std::ofstream(path) << "x";
  Endpoint endpoint;
  endpoint.control = dir.file("control");
  endpoint.nonce = "n";
  ASSERT_TRUE(write_endpoint(place_of(path), endpoint).ok());
  wire::Hello future;
  future.nonce = "n";
  future.file = place_of(path).file()->id;
  future.protocol_min = future.protocol_max = kProtocolMax + 1;
  future.version = "99.0";
  const auto server = ControlServer::start(endpoint.control, future, nullptr);
  const Probe found = probe(place_of(path), wire::Intent::kUse, soon());
  EXPECT_EQ(found.state, ProbeState::kRefused);
  EXPECT_NE(found.error.message.find("99.0"), std::string::npos);
}

TEST(Wire, AnEndpointComesBackAsItWas) {
  Endpoint endpoint;
  endpoint.database = "/a/\"quoted\"\n.duckdb";
  endpoint.socket_dir = "/run/x";
  endpoint.control = "/run/x/control";
  endpoint.port = 5432;
  endpoint.tcp = "127.0.0.1:1";
  endpoint.process = {1, 2, "boot"};
  endpoint.nonce = "n";
  endpoint.file = {~0ULL, 7};
  endpoint.generation = 9;
  endpoint.version = "1";
  const Result<Endpoint> back = wire::parse_endpoint(wire::endpoint_text(endpoint));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(wire::endpoint_text(*back), wire::endpoint_text(endpoint));
  EXPECT_EQ(back->database, endpoint.database);
  EXPECT_EQ(back->file, endpoint.file);
  endpoint.database = "/\xff\xfe";
  EXPECT_TRUE(wire::parse_endpoint(wire::endpoint_text(endpoint)).ok()) << "file names need not be UTF-8";
  EXPECT_FALSE(wire::parse_endpoint("[]").ok());
  EXPECT_FALSE(wire::parse_endpoint("{\"database\":1}").ok());
}

TEST(StartupReport, EveryLineArrives) {
  os::TempDir dir;
  const FilePlace place = place_of(dir.file("t.duckdb"));
  const auto run = [&](const std::function<void(StartupReporter&)>& child) {
    os::Pipe pipe = os::make_pipe().value();
    os::UniqueFd lock(::dup(pipe.write_end.get()));
    // The reporter expects the lock right behind the pipe.
    const int base = 200;
    ::dup2(pipe.write_end.get(), base);
    ::dup2(STDERR_FILENO, base + 1);
    pipe.write_end.reset();
    lock.reset();
    Result<StartupReporter> reporter = StartupReporter::spawned(base, place);
    EXPECT_TRUE(reporter.ok());
    if (reporter.ok()) child(*reporter);
    { const StartupReporter gone = std::move(reporter).value(); }
    return follow_startup(pipe.read_end.get(), nullptr, Deadline::in(seconds(1)));
  };
  EXPECT_EQ(run([](StartupReporter& r) { r.ready(); }).kind, StartupOutcome::Kind::kReady);
  const StartupOutcome crashed = run([](StartupReporter& r) { r.progress("one\ntwo"); });
  EXPECT_EQ(crashed.kind, StartupOutcome::Kind::kCrashed);
  EXPECT_EQ(crashed.last_progress, "one two");
  const StartupOutcome failed =
      run([](StartupReporter& r) { r.failed(make_error(ErrorCode::kDiskFull, "m\nm", "d", "h")); });
  EXPECT_EQ(failed.kind, StartupOutcome::Kind::kFailed);
  EXPECT_EQ(failed.error.code, ErrorCode::kDiskFull);
  EXPECT_EQ(failed.error.message, "m\nm");
}

TEST(StartupReport, RefusesDescriptorsThatAreNotThere) {
  os::TempDir dir;
  EXPECT_FALSE(StartupReporter::spawned(2, place_of(dir.file("t"))).ok());
  EXPECT_FALSE(StartupReporter::spawned(900, place_of(dir.file("t"))).ok());
}

}  // namespace
}  // namespace merganser::owner
