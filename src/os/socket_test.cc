#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "os/file.h"
#include "os/io.h"
#include "os/temp_dir_for_test.h"
#include "os/unix_socket.h"

namespace merganser::os {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(UnixSocket, ConnectsAndKnowsThePeer) {
  TempDir dir;
  const Result<UniqueFd> listener = listen_unix(dir.file("s"), 8, 0600);
  ASSERT_TRUE(listener.ok());
  EXPECT_EQ((*file_facts(dir.file("s")))->mode & 0777, 0600u);
  const Result<UniqueFd> client = connect_unix(dir.file("s"), Deadline::in(seconds(1)));
  ASSERT_TRUE(client.ok());
  const Result<PeerCredentials> peer = peer_credentials(client->get());
  ASSERT_TRUE(peer.ok());
  EXPECT_EQ(peer->pid, ::getpid());
  EXPECT_EQ(peer->uid, ::geteuid());
}

TEST(UnixSocket, TellsAbsenceFromAFullQueue) {
  TempDir dir;
  const auto absent = connect_unix(dir.file("s"), Deadline::in(seconds(1)));
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, ErrorCode::kConnectionFailure);
  const Result<UniqueFd> listener = listen_unix(dir.file("s"), 0, 0600);
  ASSERT_TRUE(listener.ok());
  std::vector<UniqueFd> clients;
  ErrorCode last = ErrorCode::kSuccessfulCompletion;
  for (int i = 0; i < 5 && last == ErrorCode::kSuccessfulCompletion; i++) {
    Result<UniqueFd> client = connect_unix(dir.file("s"), Deadline::in(milliseconds(20)));
    if (client.ok()) {
      clients.push_back(std::move(client).value());
    } else {
      last = client.error().code;
    }
  }
  EXPECT_EQ(last, ErrorCode::kQueryCanceled);
}

TEST(UnixSocket, SaysThatAPathIsTooLong) {
  const std::string longest = "/" + std::string(kSocketPathLimit - 1, 'a');
  EXPECT_TRUE(check_socket_path(longest).ok());
  const Status longer = check_socket_path(longest + "a");
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().code, ErrorCode::kProgramLimitExceeded);
  EXPECT_NE(longer.error().message.find("108"), std::string::npos);
  EXPECT_NE(longer.error().hint.find("--socket-dir"), std::string::npos);
  EXPECT_FALSE(listen_unix(longest + "a", 1, 0600).ok());
}

TEST(RemoveStaleSocket, RemovesOnlyWhatNobodyListensOn) {
  TempDir dir;
  const std::string path = dir.file("s");
  EXPECT_TRUE(remove_stale_socket(path).ok());
  {
    const Result<UniqueFd> listener = listen_unix(path, 8, 0600);
    const Status busy = remove_stale_socket(path);
    ASSERT_FALSE(busy.ok());
    EXPECT_EQ(busy.error().code, ErrorCode::kObjectInUse);
  }
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_TRUE(remove_stale_socket(path).ok());
  EXPECT_FALSE(std::filesystem::exists(path));
  std::ofstream(path) << "a file";
  EXPECT_FALSE(remove_stale_socket(path).ok());
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(LineReader, CutsLinesAndKeepsItsLimit) {
  Pipe pipe = make_pipe().value();
  ASSERT_EQ(::write(pipe.write_end.get(), "one\ntwo\nthree", 13), 13);
  LineReader lines(pipe.read_end.get(), 5);
  EXPECT_EQ(**lines.next(Deadline::in(seconds(1))), "one");
  EXPECT_EQ(**lines.next(Deadline::in(seconds(1))), "two");
  const auto late = lines.next(Deadline::in(milliseconds(10)));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, ErrorCode::kQueryCanceled);
  ASSERT_EQ(::write(pipe.write_end.get(), "x", 1), 1);
  const auto longer = lines.next(Deadline::in(seconds(1)));
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().code, ErrorCode::kProgramLimitExceeded);
}

TEST(LineReader, RefusesALongLineThatCameWhole) {
  Pipe pipe = make_pipe().value();
  ASSERT_EQ(::write(pipe.write_end.get(), "123456\n", 7), 7);
  EXPECT_FALSE(LineReader(pipe.read_end.get(), 5).next(Deadline::in(seconds(1))).ok());
}

TEST(LineReader, EndsAtTheEnd) {
  Pipe pipe = make_pipe().value();
  ASSERT_EQ(::write(pipe.write_end.get(), "one\nunfinished", 14), 14);
  pipe.write_end.reset();
  LineReader lines(pipe.read_end.get(), 50);
  EXPECT_EQ(**lines.next(Deadline::in(seconds(1))), "one");
  EXPECT_FALSE(lines.next(Deadline::in(seconds(1)))->has_value());
}

TEST(SendAll, WaitsForTheReaderButNotForEver) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  UniqueFd one(ends[0]), two(ends[1]);
  const std::string much(4 << 20, 'x');
  const Status stuck = send_all(one.get(), much, Deadline::in(milliseconds(30)));
  ASSERT_FALSE(stuck.ok());
  EXPECT_EQ(stuck.error().code, ErrorCode::kQueryCanceled);
  two.reset();
  const Status gone = send_all(one.get(), much, Deadline::in(seconds(1)));
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code, ErrorCode::kConnectionFailure);
}

}  // namespace
}  // namespace merganser::os
