#include "owner/ownership.h"

#include <atomic>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

#include "os/temp_dir_for_test.h"
#include "owner/control_client.h"
#include "owner/lock_note.h"
#include "owner/small_server_for_test.h"
#include "owner/startup_report.h"
#include "owner/stop.h"

namespace merganser::owner {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Owning : public testing::Test {
 protected:
  Owning() { std::ofstream(path_) << "x"; }
  FilePlace place() const { return place_of(path_); }
  SocketDir::Options sockets() const { return {dir_.file("s"), 5432, {}, milliseconds(20)}; }
  std::unique_ptr<Ownership> own() {
    auto won = Ownership::acquire(place(), sockets(), Deadline::in(seconds(2)));
    EXPECT_TRUE(won.ok()) << won.error().to_string();
    return std::move(won).value();
  }
  Ownership::Publication publication() {
    Ownership::Publication publication;
    publication.handler = [](std::string_view, const std::string&) -> Result<std::string> { return std::string("{}"); };
    publication.on_lost = [this](const Error& error) {
      reason_ = error.message;
      lost_++;
    };
    publication.fence_interval = milliseconds(10);
    return publication;
  }
  // What the fence says within a while; empty when it stays calm.
  std::string lost_reason() {
    for (int i = 0; i < 100 && lost_ == 0; i++) std::this_thread::sleep_for(milliseconds(5));
    return lost_ == 0 ? "" : reason_;
  }
  ProbeState state() { return probe(place(), wire::Intent::kLook, Deadline::in(seconds(1))).state; }

  os::TempDir dir_;
  const std::string path_ = fs::canonical(dir_.path()).string() + "/t.duckdb";
  std::string reason_;
  std::atomic<int> lost_{0};
};

TEST_F(Owning, PublishesAndLeavesNothingBehind) {
  auto ownership = own();
  EXPECT_EQ(state(), ProbeState::kAbsent);
  const Result<Endpoint> endpoint = ownership->publish(publication());
  ASSERT_TRUE(endpoint.ok());
  EXPECT_EQ(state(), ProbeState::kLive);
  for (const char* suffix : {".lock", ".endpoint"}) {
    EXPECT_EQ(fs::status(path_ + suffix).permissions(), fs::perms(0600)) << suffix;
  }
  const auto note =
      parse_lock_note(lines_of(path_ + ".lock").empty() ? "" : *os::read_small_file(path_ + ".lock", 999));
  ASSERT_TRUE(note);
  EXPECT_EQ(note->process, os::this_process());
  EXPECT_EQ(note->generation, 1u);
  ownership->begin_leaving();
  EXPECT_EQ(state(), ProbeState::kLeaving);
  EXPECT_TRUE(ownership->leave().ok());
  EXPECT_EQ(state(), ProbeState::kAbsent);
  EXPECT_FALSE(fs::exists(endpoint->control));
  EXPECT_TRUE(fs::exists(path_ + ".lock"));
  EXPECT_EQ(own()->generation(), 2u);
  EXPECT_EQ(lost_, 0);
}

TEST_F(Owning, ASecondOneIsToldWhoTheFirstIs) {
  auto ownership = own();
  ASSERT_TRUE(ownership->publish(publication()).ok());
  const auto second =
      Ownership::acquire(place(), {dir_.file("s2"), 5432, {}, milliseconds(20)}, Deadline::in(seconds(30)));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kObjectInUse);
  EXPECT_NE(second.error().message.find("already served"), std::string::npos);
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
}

TEST_F(Owning, WaitsForALeavingOneAndNamesASilentOne) {
  auto ownership = own();  // not published: it does not answer
  const auto silent = Ownership::acquire(place(), sockets(), Deadline::in(milliseconds(50)));
  ASSERT_FALSE(silent.ok());
  EXPECT_NE(silent.error().detail.find("does not answer"), std::string::npos);
  ASSERT_TRUE(ownership->publish(publication()).ok());
  ownership->begin_leaving();
  std::thread leaver([&] {
    std::this_thread::sleep_for(milliseconds(100));
    EXPECT_TRUE(ownership->leave().ok());
  });
  EXPECT_TRUE(Ownership::acquire(place(), sockets(), Deadline::in(seconds(10))).ok());
  leaver.join();
}

TEST_F(Owning, APlainProgramWithTheFileOpenIsNamed) {
  Forked other([&]() -> int {
    const int fd = ::open(path_.c_str(), O_RDWR);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    ::fcntl(fd, F_SETLK, &lock);
    std::ofstream(dir_.file("ready")) << "x";
    while (true) ::pause();
  });
  ASSERT_TRUE(eventually([&] { return fs::exists(dir_.file("ready")); }));
  const auto refused = Ownership::acquire(place(), sockets(), Deadline::in(seconds(1)));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kObjectInUse);
  EXPECT_NE(refused.error().message.find("(pid " + std::to_string(other.pid()) + ")"), std::string::npos)
      << refused.error().to_string();
  EXPECT_FALSE(*os::FileLock::is_held(path_ + ".lock"));
}

TEST_F(Owning, TheFenceIsCalmWhenNothingHappens) {
  auto ownership = own();
  ASSERT_TRUE(ownership->publish(publication()).ok());
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ(lost_, 0);
}

TEST_F(Owning, TheFenceSeesARemovedLockFile) {
  auto ownership = own();
  ASSERT_TRUE(ownership->publish(publication()).ok());
  fs::remove(path_ + ".lock");
  EXPECT_NE(lost_reason().find("lock file"), std::string::npos);
  EXPECT_TRUE(ownership->lost());
  EXPECT_TRUE(ownership->leave().ok());
  EXPECT_TRUE(fs::exists(path_ + ".endpoint")) << "it touches nothing any more";
  EXPECT_EQ(lost_, 1);
}

TEST_F(Owning, TheFenceSeesAMovedAndAReplacedDatabase) {
  for (const bool replace : {false, true}) {
    lost_ = 0;
    auto ownership = own();
    ASSERT_TRUE(ownership->publish(publication()).ok());
    if (replace) {
      std::ofstream(path_ + ".other") << "y";
      fs::rename(path_ + ".other", path_);
    } else {
      fs::rename(path_, path_ + ".moved");
    }
    EXPECT_NE(lost_reason().find(replace ? "replaced" : "moved"), std::string::npos) << reason_;
    ownership.reset();
    if (!replace) fs::rename(path_ + ".moved", path_);
  }
}

TEST_F(Owning, TheFenceSeesAnotherOwnersEndpoint) {
  auto ownership = own();
  Endpoint other = *ownership->publish(publication());
  other.nonce = "another";
  ASSERT_TRUE(write_endpoint(place(), other).ok());
  EXPECT_NE(lost_reason().find("another owner"), std::string::npos);
  ownership.reset();
  EXPECT_EQ((*read_endpoint(place()))->nonce, "another");
}

TEST_F(Owning, TheFenceAsksTheGuard) {
  auto ownership = own();
  std::atomic<bool> broken{false};
  Ownership::Publication with_guard = publication();
  with_guard.guard = [&]() -> Status {
    if (broken) return make_error(ErrorCode::kObjectInUse, "the guard is gone");
    return {};
  };
  ASSERT_TRUE(ownership->publish(std::move(with_guard)).ok());
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(lost_, 0);
  broken = true;
  EXPECT_EQ(lost_reason(), "the guard is gone");
}

TEST_F(Owning, TheFenceToleratesDoubtForAWhile) {
  auto ownership = own();
  std::atomic<int> asked{0};
  Ownership::Publication with_guard = publication();
  with_guard.guard = [&]() -> Status {
    asked++;
    return make_error(ErrorCode::kIoError, "cannot tell");
  };
  ASSERT_TRUE(ownership->publish(std::move(with_guard)).ok());
  EXPECT_EQ(lost_reason(), "cannot tell");
  EXPECT_EQ(asked, Fence::kDoubts);
}

TEST_F(Owning, ARemovedEndpointIsWrittenAgain) {
  auto ownership = own();
  ASSERT_TRUE(ownership->publish(publication()).ok());
  fs::remove(path_ + ".endpoint");
  EXPECT_TRUE(eventually([&] { return state() == ProbeState::kLive; }));
  std::ofstream(path_ + ".endpoint") << "scribble";
  EXPECT_TRUE(eventually([&] { return state() == ProbeState::kLive; }));
  EXPECT_EQ(lost_, 0);
}

TEST_F(Owning, IdleLeavesOnlyWithoutSessionsAndWithTheSpawnLock) {
  auto ownership = own();
  const Endpoint endpoint = *ownership->publish(publication());
  std::atomic<int> sessions{1};
  std::atomic<bool> idle{false};
  std::optional<os::FileLock> starter = os::FileLock::try_take(path_ + ".spawn").value();
  ownership->watch_idle(
      milliseconds(50),
      [&] {
        return Activity{static_cast<size_t>(sessions.load()), TimePoint{}};
      },
      [&] { idle = true; });
  std::this_thread::sleep_for(milliseconds(150));
  EXPECT_FALSE(idle) << "a session is there";
  sessions = 0;
  std::this_thread::sleep_for(milliseconds(150));
  EXPECT_FALSE(idle) << "somebody is on the way in";
  EXPECT_EQ(state(), ProbeState::kLive);
  starter->release();
  EXPECT_TRUE(eventually([&] { return idle.load(); }));
  EXPECT_EQ(state(), ProbeState::kLeaving);
  EXPECT_TRUE(*os::FileLock::is_held(path_ + ".spawn")) << "newcomers wait for the file to be free";
  EXPECT_TRUE(ownership->leave().ok());
  EXPECT_FALSE(*os::FileLock::is_held(path_ + ".spawn"));
}

TEST_F(Owning, AHelloForUseStartsTheIdleTimeAnew) {
  auto ownership = own();
  ASSERT_TRUE(ownership->publish(publication()).ok());
  std::atomic<bool> idle{false};
  ownership->watch_idle(
      milliseconds(300), [] { return Activity{}; }, [&] { idle = true; });
  const TimePoint begin = SteadyClock::now();
  while (SteadyClock::now() - begin < milliseconds(700)) {
    ASSERT_TRUE(connect(place(), Deadline::in(seconds(1))).ok());
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_FALSE(idle);
  EXPECT_TRUE(eventually([&] { return idle.load(); }));
}

TEST_F(Owning, ForceDoesNotKillAProcessThatOnlyHasThePid) {
  auto ownership = own();
  // Somebody else's words in the lock file: our pid, another start time.
  LockNote note{7, os::this_process()};
  note.process.start_ticks++;
  std::ofstream(path_ + ".lock") << lock_note_text(note);
  const Result<StopOutcome> forced = stop(place(), {true, milliseconds(20)}, Deadline::in(milliseconds(200)));
  ASSERT_FALSE(forced.ok());
  EXPECT_EQ(forced.error().code, ErrorCode::kObjectNotInState);
}

TEST(LockNote, ReadsOnlyItsOwnWords) {
  const LockNote note{3, {4, 5, "boot"}};
  const auto back = parse_lock_note(lock_note_text(note));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->generation, 3u);
  EXPECT_EQ(back->process, note.process);
  EXPECT_FALSE(parse_lock_note(""));
  EXPECT_FALSE(parse_lock_note("generation x"));
  EXPECT_FALSE(parse_lock_note("something else 1 2 3 4 5 6"));
}

TEST_F(Owning, AForegroundStartHoldsTheSpawnLock) {
  std::vector<std::string> said;
  auto reporter = StartupReporter::foreground(place(), Deadline::in(seconds(1)),
                                              [&](const std::string& text) { said.push_back(text); });
  ASSERT_TRUE(reporter.ok());
  EXPECT_TRUE(*os::FileLock::is_held(path_ + ".spawn"));
  reporter->progress("opening");
  EXPECT_EQ(said, std::vector<std::string>{"opening"});
  reporter->ready();
  EXPECT_FALSE(*os::FileLock::is_held(path_ + ".spawn"));
}

}  // namespace
}  // namespace merganser::owner
