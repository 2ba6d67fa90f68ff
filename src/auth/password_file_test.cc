#include "auth/password_file.h"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/stat.h>
#include <thread>
#include <vector>

#include "os/temp_dir_for_test.h"

namespace merganser::auth {
namespace {

using namespace std::string_literals;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}
void write_file(const std::string& path, const std::string& text, mode_t mode = 0600) {
  std::ofstream(path, std::ios::binary) << text;
  ASSERT_EQ(::chmod(path.c_str(), mode), 0);
}
ScramVerifier verifier(char salt) {
  return *make_verifier_with_salt("pw", 1, std::string(16, salt));
}
mode_t mode_of(const std::string& path) {
  struct stat st {};
  EXPECT_EQ(::stat(path.c_str(), &st), 0);
  return st.st_mode & 07777;
}

TEST(PasswordFile, FindsUsersBetweenComments) {
  const std::string text =
      "# who may log in\n\n \t\nada:" + verifier('a').format() + "\r\nbo b:" + verifier('b').format();
  const auto file = PasswordFile::parse(text, "passwords");
  ASSERT_TRUE(file.ok()) << file.error().to_string();
  EXPECT_EQ(file->size(), 2U);
  EXPECT_EQ(file->find("ada")->format(), verifier('a').format());
  EXPECT_EQ(file->find("bo b")->format(), verifier('b').format());
  EXPECT_EQ(file->find("ad"), std::nullopt);
  EXPECT_EQ(file->find("ADA"), std::nullopt);
  EXPECT_EQ(file->find(""), std::nullopt);
}

TEST(PasswordFile, SaysWhichLineIsWrong) {
  const std::string good = "ada:" + verifier('a').format() + "\n";
  const std::pair<std::string, std::string> table[] = {
      {good + "bob\n", "passwords, line 2: there is no colon"},
      {"#\n\n:x\n", "passwords, line 3: not a user name: it is empty"},
      {good + good, "passwords, line 2: the user \"ada\" is there twice"},
      {"ada:secret\n", "passwords, line 1: not a SCRAM-SHA-256 verifier. It does not start with SCRAM-SHA-256$."},
      {" ada:x", "passwords, line 1: not a user name: it starts or ends with a blank"},
      {"ada\0:x"s, "passwords, line 1: not a user name: it has a control character"},
  };
  for (const auto& [text, words] : table) {
    const auto file = PasswordFile::parse(text, "passwords");
    ASSERT_FALSE(file.ok()) << text;
    EXPECT_EQ(file.error().message, words);
    EXPECT_EQ(file.error().to_string().find("secret"), std::string::npos);
  }
}

TEST(PasswordFile, MockSecretSurvivesReloadsAndNeedsTheFile) {
  const std::string one = "ada:" + verifier('a').format() + "\n";
  const std::string two = "ada:" + verifier('b').format() + "\n";
  EXPECT_EQ(PasswordFile::parse(one, "x")->mock_secret(), PasswordFile::parse(one, "x")->mock_secret());
  EXPECT_NE(PasswordFile::parse(one, "x")->mock_secret(), PasswordFile::parse(two, "x")->mock_secret());
  EXPECT_EQ(PasswordFile::parse("", "x")->mock_secret().size(), 32U);
}

TEST(PasswordFile, IsRefusedWhenOthersMayReadIt) {
  const os::TempDir dir;
  const std::string path = dir.file("passwords");
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0610, 0666}) {
    write_file(path, "ada:" + verifier('a').format() + "\n", mode);
    const auto file = PasswordFile::load(path);
    ASSERT_FALSE(file.ok());
    EXPECT_EQ(file.error().hint, "chmod 600 " + path);
    EXPECT_FALSE(set_password(path, "bob", verifier('b')).ok()) << "must not hide that the old verifiers leaked";
  }
  for (const mode_t mode : {0600, 0400, 0700}) {
    write_file(path, "ada:" + verifier('a').format() + "\n", mode);
    EXPECT_TRUE(PasswordFile::load(path).ok());
  }
}

TEST(PasswordFile, MissingTooLongOrNoFileIsAnError) {
  const os::TempDir dir;
  const auto missing = PasswordFile::load(dir.file("none"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().message, "there is no password file " + dir.file("none"));
  EXPECT_FALSE(PasswordFile::load(dir.path()).ok());
  write_file(dir.file("big"), std::string(kMaxPasswordFileBytes + 1, '#'));
  EXPECT_EQ(PasswordFile::load(dir.file("big")).error().code, ErrorCode::kProgramLimitExceeded);
  write_file(dir.file("full"), std::string(kMaxPasswordFileBytes - 1, '#') + "\n");
  EXPECT_TRUE(PasswordFile::load(dir.file("full")).ok());
  EXPECT_EQ(set_password(dir.file("full"), "ada", verifier('a')).error().code, ErrorCode::kProgramLimitExceeded);
}

TEST(SetPassword, MakesAddsAndReplaces) {
  const os::TempDir dir;
  const std::string path = dir.file("passwords");
  ASSERT_TRUE(set_password(path, "ada", verifier('a')).ok());
  EXPECT_EQ(mode_of(path), 0600U);
  EXPECT_EQ(read_file(path), "ada:" + verifier('a').format() + "\n");

  write_file(path, "# ada:kept\nada:" + verifier('a').format() + "\n\nbob:" + verifier('b').format());  // no newline
  ASSERT_TRUE(set_password(path, "ada", verifier('c')).ok());
  ASSERT_TRUE(set_password(path, "eve", verifier('d')).ok());
  EXPECT_EQ(read_file(path), "# ada:kept\nada:" + verifier('c').format() + "\n\nbob:" + verifier('b').format() +
                                 "\neve:" + verifier('d').format() + "\n");
  EXPECT_EQ(mode_of(path), 0600U);
  EXPECT_EQ(PasswordFile::load(path)->size(), 3U);
}

TEST(SetPassword, FollowsALinkInsteadOfReplacingIt) {
  const os::TempDir dir;
  const std::string link = dir.file("link");
  ASSERT_TRUE(set_password(dir.file("real"), "ada", verifier('a')).ok());
  ASSERT_EQ(::symlink(dir.file("real").c_str(), link.c_str()), 0);
  ASSERT_TRUE(set_password(link, "bob", verifier('b')).ok());
  EXPECT_EQ(PasswordFile::load(dir.file("real"))->size(), 2U);
  EXPECT_EQ(PasswordFile::load(link)->size(), 2U);
}

TEST(SetPassword, LeavesABrokenFileAlone) {
  const os::TempDir dir;
  const std::string path = dir.file("passwords");
  write_file(path, "nonsense\n");
  EXPECT_FALSE(set_password(path, "ada", verifier('a')).ok());
  EXPECT_EQ(read_file(path), "nonsense\n");
  EXPECT_FALSE(set_password(dir.file("no/such/dir"), "ada", verifier('a')).ok());
}

TEST(SetPassword, ConcurrentCallersLoseNothing) {
  const os::TempDir dir;
  const std::string path = dir.file("passwords");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5; i++) {
        EXPECT_TRUE(set_password(path, "user" + std::to_string(t) + "_" + std::to_string(i), verifier('x')).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(PasswordFile::load(path)->size(), 20U);
}

TEST(UserName, IsChecked) {
  for (const std::string& good : {"a"s, "Ada Lovelace"s, "zoë"s, std::string(63, 'x'), "a#b"s}) {
    EXPECT_TRUE(check_user_name(good).ok()) << good;
  }
  for (const std::string& bad :
       {""s, "a:b"s, "a\nb"s, "a\rb"s, "a\0b"s, "a\tb"s, "\x7F"s, "#a"s, " a"s, "a "s, "\xFF"s, std::string(64, 'x')}) {
    EXPECT_FALSE(check_user_name(bad).ok()) << bad;
    EXPECT_FALSE(set_password("/nonexistent/file", bad, verifier('a')).ok());
  }
}

}  // namespace
}  // namespace merganser::auth
