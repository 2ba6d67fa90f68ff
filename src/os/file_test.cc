#include "os/file.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file_system.h"
#include "os/temp_dir_for_test.h"

namespace merganser::os {
namespace {

TEST(WriteFileAtomically, ReplacesContentWithItsModeAndLeavesNothingElse) {
  TempDir dir;
  const std::string path = dir.file("x");
  const mode_t before = ::umask(0077);
  ASSERT_TRUE(write_file_atomically(path, "one", 0600).ok());
  ASSERT_TRUE(write_file_atomically(path, "two", 0644).ok());
  ::umask(before);
  EXPECT_EQ(*read_small_file(path, 10), "two");
  EXPECT_EQ((*file_facts(path))->mode & 0777, 0644u);
  int entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(dir.path())) entries++;
  EXPECT_EQ(entries, 1);
}

TEST(WriteFileAtomically, FailsCleanlyWithoutItsDirectory) {
  TempDir dir;
  const Status written = write_file_atomically(dir.file("none/x"), "one", 0600);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, ErrorCode::kUndefinedFile);
}

TEST(ReadSmallFile, KeepsItsLimit) {
  TempDir dir;
  std::ofstream(dir.file("x")) << "12345";
  EXPECT_EQ(*read_small_file(dir.file("x"), 5), "12345");
  const auto longer = read_small_file(dir.file("x"), 4);
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().code, ErrorCode::kProgramLimitExceeded);
}

TEST(ReadSmallFile, RefusesLinksAndFifos) {
  TempDir dir;
  std::ofstream(dir.file("x")) << "1";
  std::filesystem::create_symlink(dir.file("x"), dir.file("link"));
  EXPECT_FALSE(read_small_file(dir.file("link"), 10).ok());
  ASSERT_EQ(::mkfifo(dir.file("fifo").c_str(), 0600), 0);
  EXPECT_FALSE(read_small_file(dir.file("fifo"), 10).ok());
}

TEST(FileFacts, KnowsMissingFilesAndIdentity) {
  TempDir dir;
  EXPECT_FALSE(file_facts(dir.file("x"))->has_value());
  std::ofstream(dir.file("x")) << "1";
  std::filesystem::create_hard_link(dir.file("x"), dir.file("y"));
  std::ofstream(dir.file("z")) << "1";
  EXPECT_EQ((*file_facts(dir.file("x")))->id, (*file_facts(dir.file("y")))->id);
  EXPECT_FALSE((*file_facts(dir.file("x")))->id == (*file_facts(dir.file("z")))->id);
}

TEST(DirectoryOf, CutsTheLastName) {
  EXPECT_EQ(directory_of("/a/b/c"), "/a/b");
  EXPECT_EQ(directory_of("/c"), "/");
  EXPECT_EQ(directory_of("c"), ".");
}

TEST(RandomHex, DiffersEachTime) {
  const std::string one = *random_hex(16), two = *random_hex(16);
  EXPECT_EQ(one.size(), 32u);
  EXPECT_NE(one, two);
}

TEST(FileSystems, NetworkOnesAreToldApart) {
  EXPECT_FALSE(classify_file_system(0xEF53, "").network);
  EXPECT_TRUE(classify_file_system(0x6969, "").network);
  EXPECT_EQ(classify_file_system(0x6969, "").type, "nfs");
  EXPECT_TRUE(classify_file_system(0xFF534D42, "").network);
  EXPECT_TRUE(classify_file_system(0x01021997, "").network);
  EXPECT_TRUE(classify_file_system(0x65735546, "fuse.sshfs").network);
  EXPECT_FALSE(classify_file_system(0x65735546, "fuseblk").network);
  EXPECT_TRUE(classify_file_system(0x65735546, "").network);
  EXPECT_FALSE(classify_file_system(0x12345, "").network);
  EXPECT_EQ(classify_file_system(0x12345, "").type, "0x12345");
}

TEST(FileSystems, ReadsTheMountTable) {
  const std::string line = "36 35 0:42 / /mnt/a rw,noatime master:1 - fuse.sshfs host:/ rw";
  EXPECT_EQ(mount_type_of_line(line, 42), "fuse.sshfs");
  EXPECT_EQ(mount_type_of_line(line, 43), "");
  EXPECT_EQ(mount_type_of_line("nonsense", 42), "");
}

TEST(FileSystems, ThisMachineAnswers) {
  const auto proc = file_system_of("/proc");
  ASSERT_TRUE(proc.ok());
  EXPECT_FALSE(proc->network);
  EXPECT_FALSE(file_system_of("/does/not/exist").ok());
}

}  // namespace
}  // namespace merganser::os
