#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

#include "os/lock.h"
#include "os/process.h"
#include "os/temp_dir_for_test.h"
#include "owner/connect_or_start.h"
#include "owner/small_server_for_test.h"
#include "owner/socket_dir.h"
#include "owner/start_breaker.h"
#include "owner/stop.h"

namespace merganser::owner {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Start : public testing::Test {
 protected:
  ~Start() override {
    // Whatever a test started is ended, by the pids that the servers wrote down themselves.
    for (const char* list : {".owners", ".starts"}) {
      for (const std::string& pid : lines_of(path_ + list)) {
        const pid_t number = std::atoi(pid.c_str());
        if (os::process_name(number) == os::process_name(::getpid())) ::kill(number, SIGKILL);
      }
    }
    std::filesystem::remove_all(*make_runtime_dir(path_));
  }
  FilePlace place() const { return place_of(path_); }
  Result<Endpoint> start(const std::string& mode = "", Duration within = seconds(20)) {
    return connect_or_start(place(), start_options(mode), Deadline::in(within));
  }

  os::TempDir dir_;
  const std::string path_ = std::filesystem::canonical(dir_.path()).string() + "/t.duckdb";
};

TEST_F(Start, ConnectFindsNobodyThenTheOwner) {
  const Result<Endpoint> none = connect(place(), Deadline::in(seconds(1)));
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::kConnectionFailure);
  const Result<Endpoint> started = start();
  ASSERT_TRUE(started.ok()) << started.error().to_string();
  const Result<Endpoint> found = connect(place(), Deadline::in(seconds(1)));
  ASSERT_TRUE(found.ok()) << found.error().to_string();
  EXPECT_EQ(found->nonce, started->nonce);
  EXPECT_EQ(found->database, path_);
  EXPECT_EQ(found->generation, 1u);
  EXPECT_EQ(lines_of(path_ + ".owners"), std::vector{std::to_string(found->process.pid)});
  EXPECT_FALSE(*os::FileLock::is_held(place().spawn_path())) << "nothing is being started any more";
  const auto status = control_request(*found, "status", "", Deadline::in(seconds(1)));
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(*status, R"({"sessions":0})");
  const auto unknown = control_request(*found, "dance", "", Deadline::in(seconds(1)));
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::kUndefinedObject);
}

TEST_F(Start, FiftyRacersMakeOneOwner) {
  std::vector<Forked> racers;
  for (int i = 0; i < 50; i++) {
    racers.emplace_back([&] {
      const Result<Endpoint> endpoint = start("slow 100", seconds(60));
      if (!endpoint.ok()) std::fprintf(stderr, "%s\n", endpoint.error().to_string().c_str());
      return endpoint.ok() ? 0 : 1;
    });
  }
  for (Forked& racer : racers) EXPECT_EQ(racer.wait(), 0);
  EXPECT_EQ(lines_of(path_ + ".owners").size(), 1u);
  EXPECT_EQ(lines_of(path_ + ".starts").size(), 1u);
}

TEST_F(Start, AfterAKillTheNextOwnerTakesOver) {
  const Result<Endpoint> first = start();
  ASSERT_TRUE(first.ok());
  ::kill(first->process.pid, SIGKILL);
  ASSERT_TRUE(eventually([&] { return !os::is_running(first->process); }));
  EXPECT_EQ(probe(place(), wire::Intent::kLook, Deadline::in(seconds(1))).state, ProbeState::kStale);
  const Result<Endpoint> second = start();
  ASSERT_TRUE(second.ok()) << second.error().to_string();
  EXPECT_NE(second->nonce, first->nonce);
  EXPECT_EQ(second->generation, 2u);
}

TEST_F(Start, RacersAfterAKillMakeOneOwner) {
  const Result<Endpoint> first = start();
  ASSERT_TRUE(first.ok());
  ::kill(first->process.pid, SIGKILL);
  std::vector<Forked> racers;
  for (int i = 0; i < 20; i++) racers.emplace_back([&] { return start("", seconds(60)).ok() ? 0 : 1; });
  for (Forked& racer : racers) EXPECT_EQ(racer.wait(), 0);
  EXPECT_EQ(lines_of(path_ + ".owners").size(), 2u);
}

TEST_F(Start, AnEndpointOfAnotherNonceIsStale) {
  const Result<Endpoint> started = start();
  ASSERT_TRUE(started.ok());
  Endpoint forged = *started;
  forged.nonce = "00";
  // The fence would put the right one back or see another owner: look at once.
  ASSERT_TRUE(write_endpoint(place(), forged).ok());
  EXPECT_EQ(probe(place(), wire::Intent::kLook, Deadline::in(seconds(1))).state, ProbeState::kStale);
}

TEST_F(Start, AReplacedFileMakesItsOwnerLeave) {
  const Result<Endpoint> started = start();
  ASSERT_TRUE(started.ok());
  std::ofstream(path_ + ".new") << "other";
  std::filesystem::rename(path_ + ".new", path_);
  ASSERT_TRUE(eventually([&] { return !os::is_running(started->process); }));
  EXPECT_TRUE(std::filesystem::exists(place().endpoint_path())) << "an owner that lost the file touches nothing";
  std::ifstream in(path_);
  std::string content;
  in >> content;
  EXPECT_EQ(content, "other");
}

TEST_F(Start, ACrashIsTriedThreeTimesThenTheBreakerOpens) {
  const Result<Endpoint> crashed = start("crash");
  ASSERT_FALSE(crashed.ok());
  EXPECT_EQ(crashed.error().code, ErrorCode::kCrashShutdown);
  EXPECT_NE(crashed.error().detail.find("the small server fell over"), std::string::npos)
      << crashed.error().to_string();
  EXPECT_EQ(lines_of(path_ + ".starts").size(), 3u);
  const Result<Endpoint> again = start("");
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().message, crashed.error().message);
  EXPECT_NE(again.error().hint.find("tried again in"), std::string::npos);
  EXPECT_EQ(lines_of(path_ + ".starts").size(), 3u);
  StartBreaker breaker(place());
  EXPECT_FALSE(breaker.open_error(StartBreaker::WallClock::now() + StartBreaker::kOpenFor));
  EXPECT_FALSE(breaker.open_error(StartBreaker::WallClock::now() - seconds(5))) << "a clock set back must not lock out";
  breaker.trip(crashed.error(), StartBreaker::WallClock::now() - StartBreaker::kOpenFor);
  EXPECT_TRUE(start("").ok()) << "after a minute it is tried again";
  EXPECT_FALSE(std::filesystem::exists(place().breaker_path()));
}

TEST_F(Start, ACrashThatPassesIsForgotten) {
  const Result<Endpoint> started = start("crash-until 2");
  ASSERT_TRUE(started.ok()) << started.error().to_string();
  EXPECT_EQ(lines_of(path_ + ".starts").size(), 3u);
  EXPECT_FALSE(std::filesystem::exists(place().breaker_path()));
}

TEST_F(Start, AChildKilledWhileStartingIsACrash) {
  Forked killer([&] {
    return eventually([&] {
      const auto starts = lines_of(path_ + ".starts");
      return starts.size() == 1 && ::kill(std::atoi(starts[0].c_str()), SIGKILL) == 0;
    })
               ? 0
               : 1;
  });
  StartOptions options = start_options("hang");
  options.attempts = 1;
  const Result<Endpoint> killed = connect_or_start(place(), options, Deadline::in(seconds(20)));
  EXPECT_EQ(killer.wait(), 0);
  ASSERT_FALSE(killed.ok());
  EXPECT_EQ(killed.error().code, ErrorCode::kCrashShutdown);
}

TEST_F(Start, AnOrderlyErrorComesThroughAtOnceAndIsNotRemembered) {
  const Result<Endpoint> failed = start("fail");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, ErrorCode::kDataCorrupted);
  EXPECT_EQ(failed.error().message, "it is broken");
  EXPECT_EQ(failed.error().detail, "quite\nbroken");
  EXPECT_EQ(failed.error().hint, "mend it");
  EXPECT_EQ(lines_of(path_ + ".starts").size(), 1u);
  EXPECT_TRUE(start("").ok());
}

TEST_F(Start, AHungChildIsNamedAndLeftAlone) {
  std::vector<std::string> progress;
  StartOptions options = start_options("hang");
  options.progress = [&](const std::string& text) { progress.push_back(text); };
  const Result<Endpoint> hung = connect_or_start(place(), options, Deadline::in(milliseconds(700)));
  ASSERT_FALSE(hung.ok());
  EXPECT_EQ(hung.error().code, ErrorCode::kCannotConnectNow);
  EXPECT_EQ(progress, std::vector<std::string>{"reading the write-ahead log"});
  EXPECT_NE(hung.error().detail.find("reading the write-ahead log"), std::string::npos);
  const std::string pid = lines_of(path_ + ".starts").at(0);
  EXPECT_NE(hung.error().detail.find("pid " + pid), std::string::npos) << hung.error().detail;
  EXPECT_EQ(::kill(std::atoi(pid.c_str()), 0), 0) << "it must not be killed";
  // Its lock on the spawn file keeps the next client from starting another one beside it.
  const Result<Endpoint> next = start("", milliseconds(300));
  ASSERT_FALSE(next.ok());
  EXPECT_NE(next.error().detail.find("(pid " + pid + ")"), std::string::npos) << next.error().to_string();
  EXPECT_EQ(lines_of(path_ + ".starts").size(), 1u);
}

TEST_F(Start, AStarterThatDiesLeavesTheStartToItsChild) {
  Forked starter([&] { return start("slow 300").ok() ? 0 : 1; });
  ASSERT_TRUE(eventually([&] { return lines_of(path_ + ".starts").size() == 1; }));
  starter.kill(SIGKILL);
  starter.wait();
  EXPECT_TRUE(start("").ok());
  EXPECT_EQ(lines_of(path_ + ".starts").size(), 1u);
}

TEST_F(Start, AHolderThatCannotBeReachedIsNamedNotKilled) {
  ASSERT_FALSE(start("deaf").ok());
  const std::string pid = lines_of(path_ + ".starts").at(0);
  const Result<Endpoint> next = start("", milliseconds(300));
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(next.error().code, ErrorCode::kCannotConnectNow);
  EXPECT_NE(next.error().detail.find("(pid " + pid + ")"), std::string::npos) << next.error().to_string();
  EXPECT_NE(next.error().hint.find("--force"), std::string::npos);
  const Result<StopOutcome> polite = stop(place(), {}, Deadline::in(milliseconds(200)));
  ASSERT_FALSE(polite.ok());
  EXPECT_EQ(::kill(std::atoi(pid.c_str()), 0), 0);
  const Result<StopOutcome> forced = stop(place(), {true, milliseconds(50)}, Deadline::in(seconds(10)));
  ASSERT_TRUE(forced.ok()) << forced.error().to_string();
  EXPECT_EQ(*forced, StopOutcome::kKilled);
  EXPECT_TRUE(start("").ok());
}

TEST_F(Start, AStoppedProcessIsSilentAndNotReplaced) {
  const Result<Endpoint> started = start();
  ASSERT_TRUE(started.ok());
  ::kill(started->process.pid, SIGSTOP);
  ASSERT_TRUE(eventually([&] {
    const auto stat = lines_of("/proc/" + std::to_string(started->process.pid) + "/stat");
    return !stat.empty() && stat[0].find(") T ") != std::string::npos;
  }));
  const Result<Endpoint> next = start("", milliseconds(300));
  ASSERT_FALSE(next.ok());
  EXPECT_NE(next.error().detail.find(std::to_string(started->process.pid)), std::string::npos)
      << next.error().to_string();
  EXPECT_EQ(lines_of(path_ + ".starts").size(), 1u);
  ::kill(started->process.pid, SIGCONT);
  EXPECT_TRUE(start("").ok());
}

TEST_F(Start, StopWaitsUntilTheOwnerIsGone) {
  EXPECT_EQ(*stop(place(), {}, Deadline::in(seconds(1))), StopOutcome::kNotRunning);
  const Result<Endpoint> started = start("drain 200");
  ASSERT_TRUE(started.ok());
  const Result<StopOutcome> stopped = stop(place(), {}, Deadline::in(seconds(10)));
  ASSERT_TRUE(stopped.ok()) << stopped.error().to_string();
  EXPECT_EQ(*stopped, StopOutcome::kStopped);
  EXPECT_FALSE(std::filesystem::exists(place().endpoint_path()));
  EXPECT_FALSE(std::filesystem::exists(started->control));
  EXPECT_FALSE(*os::FileLock::is_held(place().lock_path()));
}

TEST_F(Start, ALeavingOwnerIsWaitedForAndReplaced) {
  const Result<Endpoint> first = start("drain 400");
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(control_request(*first, "stop", "", Deadline::in(seconds(1))).ok());
  ASSERT_TRUE(eventually(
      [&] { return probe(place(), wire::Intent::kUse, Deadline::in(seconds(1))).state == ProbeState::kLeaving; }));
  const Result<Endpoint> second = start("");
  ASSERT_TRUE(second.ok()) << second.error().to_string();
  EXPECT_NE(second->process.pid, first->process.pid);
}

TEST_F(Start, AnIdleOwnerLeavesAndCleansUp) {
  const Result<Endpoint> started = start("idle 100");
  ASSERT_TRUE(started.ok());
  ASSERT_TRUE(eventually([&] { return !os::is_running(started->process); }));
  EXPECT_FALSE(std::filesystem::exists(place().endpoint_path()));
  EXPECT_FALSE(std::filesystem::exists(started->control));
  EXPECT_TRUE(std::filesystem::exists(place().lock_path())) << "a lock file is never removed";
}

TEST_F(Start, ClientsBesideAnOwnerThatKeepsLeavingAlwaysGetIn) {
  std::vector<Forked> clients;
  for (int i = 0; i < 8; i++) {
    clients.emplace_back([&, i] {
      for (int round = 0; round < 15; round++) {
        const Result<Endpoint> endpoint = start("idle 10", seconds(30));
        if (!endpoint.ok()) {
          std::fprintf(stderr, "%s\n", endpoint.error().to_string().c_str());
          return 1;
        }
        std::this_thread::sleep_for(milliseconds(5 + (i * 7 + round * 3) % 20));
      }
      return 0;
    });
  }
  for (Forked& client : clients) EXPECT_EQ(client.wait(), 0);
  EXPECT_EQ(lines_of(path_ + ".owners").size(), lines_of(path_ + ".starts").size()) << "each start won its election";
}

TEST_F(Start, AnotherUsersFileIsNeverServed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  std::ofstream(path_).flush();
  ASSERT_EQ(::chown(path_.c_str(), kNobody, kNobody), 0);
  const Result<Endpoint> as_root = start();
  ASSERT_FALSE(as_root.ok());
  EXPECT_EQ(as_root.error().code, ErrorCode::kInsufficientPrivilege);
  EXPECT_NE(as_root.error().message.find("nobody"), std::string::npos) << as_root.error().to_string();
  EXPECT_NE(as_root.error().hint.find("sudo -u 'nobody'"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".spawn")) << "nothing is left behind";

  ASSERT_EQ(::chown(path_.c_str(), 0, 0), 0);
  std::filesystem::permissions(path_, std::filesystem::perms(0666));
  std::filesystem::permissions(dir_.path(), std::filesystem::perms(0777));
  Forked other([&] {
    if (!become(kNobody)) return 2;
    const Result<Endpoint> endpoint = start();
    return !endpoint.ok() && endpoint.error().code == ErrorCode::kInsufficientPrivilege ? 0 : 1;
  });
  EXPECT_EQ(other.wait(), 0);
}

TEST_F(Start, AnotherUserDoesNotReachTheOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  ASSERT_TRUE(start().ok());
  std::filesystem::permissions(path_, std::filesystem::perms(0666));
  std::filesystem::permissions(dir_.path(), std::filesystem::perms(0777));
  Forked other([&] {
    if (!become(kNobody)) return 2;
    const Probe found = probe(place(), wire::Intent::kUse, Deadline::in(seconds(1)));
    return found.state == ProbeState::kRefused && found.error.message.find("no permission") != std::string::npos ? 0
                                                                                                                 : 1;
  });
  EXPECT_EQ(other.wait(), 0);
}

}  // namespace
}  // namespace merganser::owner
