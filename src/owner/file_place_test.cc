#include "owner/file_place.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/temp_dir_for_test.h"
#include "owner/database_header.h"
#include "owner/small_server_for_test.h"
#include "owner/socket_dir.h"

namespace merganser::owner {
namespace {

namespace fs = std::filesystem;

std::string real(const os::TempDir& dir) {
  return fs::canonical(dir.path()).string();
}

ErrorCode code_of(const std::string& path) {
  const Result<FilePlace> place = FilePlace::resolve(path);
  return place.ok() ? ErrorCode::kSuccessfulCompletion : place.error().code;
}

TEST(FilePlace, FollowsLinksAndNamesTheFilesBeside) {
  os::TempDir dir;
  fs::create_directory(dir.file("real"));
  std::ofstream(dir.file("real/t.duckdb")) << "x";
  fs::create_directory_symlink(dir.file("real"), dir.file("way"));
  fs::create_symlink(dir.file("way/t.duckdb"), dir.file("link"));
  const Result<FilePlace> place = FilePlace::resolve(dir.file("link"));
  ASSERT_TRUE(place.ok());
  EXPECT_EQ(place->path(), real(dir) + "/real/t.duckdb");
  EXPECT_EQ(place->directory(), real(dir) + "/real");
  EXPECT_EQ(place->lock_path(), place->path() + ".lock");
  EXPECT_EQ(place->spawn_path(), place->path() + ".spawn");
  EXPECT_EQ(place->endpoint_path(), place->path() + ".endpoint");
  ASSERT_TRUE(place->file());
  EXPECT_EQ(place->file()->size, 1u);
}

TEST(FilePlace, AMissingFileNeedsOnlyItsDirectory) {
  os::TempDir dir;
  fs::create_directory_symlink(dir.path(), dir.file("self"));
  const Result<FilePlace> place = FilePlace::resolve(dir.file("self/new.duckdb"));
  ASSERT_TRUE(place.ok());
  EXPECT_EQ(place->path(), real(dir) + "/new.duckdb");
  EXPECT_FALSE(place->file());
  const Result<FilePlace> missing = FilePlace::resolve(dir.file("a/b/new.duckdb"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kUndefinedFile);
  EXPECT_NE(missing.error().message.find(dir.file("a/b")), std::string::npos);
  EXPECT_TRUE(FilePlace::resolve(dir.file("a/b/new.duckdb"), {.create_directory = true}).ok());
  EXPECT_TRUE(fs::is_directory(dir.file("a/b")));
}

TEST(FilePlace, ARelativePathIsMadeAbsolute) {
  os::TempDir dir;
  const fs::path before = fs::current_path();
  fs::current_path(dir.path());
  const Result<FilePlace> place = FilePlace::resolve("t.duckdb");
  fs::current_path(before);
  ASSERT_TRUE(place.ok());
  EXPECT_EQ(place->path(), real(dir) + "/t.duckdb");
}

TEST(FilePlace, RefusesWhatIsNoFile) {
  os::TempDir dir;
  fs::create_directory(dir.file("folder"));
  ASSERT_EQ(::mkfifo(dir.file("fifo").c_str(), 0600), 0);
  fs::create_symlink(dir.file("nowhere"), dir.file("dangling"));
  EXPECT_EQ(code_of(dir.file("folder")), ErrorCode::kInvalidParameterValue);
  EXPECT_EQ(code_of(dir.file("folder/")), ErrorCode::kInvalidParameterValue);
  EXPECT_EQ(code_of(dir.file("fifo")), ErrorCode::kInvalidParameterValue);
  EXPECT_EQ(code_of("/dev/null"), ErrorCode::kInvalidParameterValue);
  EXPECT_EQ(code_of(dir.file("dangling")), ErrorCode::kUndefinedFile);
  EXPECT_EQ(code_of(""), ErrorCode::kInvalidParameterValue);
  EXPECT_EQ(code_of(std::string("a\0b", 3)), ErrorCode::kInvalidParameterValue);
  EXPECT_EQ(code_of(":memory:"), ErrorCode::kFeatureNotSupported);
  EXPECT_EQ(code_of("s3://bucket/t.duckdb"), ErrorCode::kFeatureNotSupported);
  EXPECT_EQ(code_of(dir.file(std::string(228, 'n'))), ErrorCode::kProgramLimitExceeded);
  EXPECT_EQ(code_of(dir.file(std::string(227, 'n'))), ErrorCode::kSuccessfulCompletion);
}

TEST(FilePlace, AFileBehindAFileIsAClearError) {
  os::TempDir dir;
  std::ofstream(dir.file("x")) << "x";
  EXPECT_FALSE(FilePlace::resolve(dir.file("x/t.duckdb")).ok());
}

TEST(CheckAccess, SaysWhoMay) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  os::TempDir dir;
  fs::permissions(dir.path(), fs::perms(0777));
  std::ofstream(dir.file("t.duckdb")) << "x";
  fs::permissions(dir.file("t.duckdb"), fs::perms(0644));
  EXPECT_TRUE(check_access(place_of(dir.file("t.duckdb"))).ok());
  Forked reader([&] {
    if (!become(kNobody)) return 2;
    const Status status = check_access(place_of(dir.file("t.duckdb")));
    return !status.ok() && status.error().code == ErrorCode::kInsufficientPrivilege &&
                   status.error().detail.find("belongs to root (mode 0644), this is nobody") != std::string::npos
               ? 0
               : 1;
  });
  EXPECT_EQ(reader.wait(), 0);
  fs::permissions(dir.path(), fs::perms(0755));
  fs::permissions(dir.file("t.duckdb"), fs::perms(0666));
  Forked in_directory([&] {
    if (!become(kNobody)) return 2;
    const Status status = check_access(place_of(dir.file("t.duckdb")));
    return !status.ok() && status.error().message.find("the directory") != std::string::npos ? 0 : 1;
  });
  EXPECT_EQ(in_directory.wait(), 0);
}

TEST(CheckUser, ASharedStickyDirectoryIsAnybodysForNewFiles) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  os::TempDir dir;
  const auto allowed = [&](int mode) {
    fs::permissions(dir.path(), fs::perms(mode));
    Forked other([&] {
      if (!become(kNobody)) return 2;
      return check_user(place_of(dir.file("new.duckdb"))).ok() ? 0 : 1;
    });
    return other.wait() == 0;
  };
  EXPECT_TRUE(allowed(01777));
  EXPECT_FALSE(allowed(0777));
  EXPECT_FALSE(allowed(0755));
  EXPECT_TRUE(check_user(place_of(dir.file("new.duckdb"))).ok());
}

TEST(CheckFileSystem, RefusesANetwork) {
  os::TempDir dir;
  const FilePlace place = place_of(dir.file("t.duckdb"));
  std::string asked;
  const Status refused = check_file_system(place, [&](const std::string& path) -> Result<os::FileSystem> {
    asked = path;
    return os::FileSystem{"nfs", true};
  });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kFeatureNotSupported);
  EXPECT_NE(refused.error().message.find("nfs"), std::string::npos);
  EXPECT_EQ(asked, place.directory()) << "the file is not there yet";
  EXPECT_TRUE(check_file_system(place).ok());
}

std::string header_bytes(uint64_t version, uint64_t flags = 0) {
  std::string bytes(4096, '\0');
  std::memcpy(bytes.data() + 8, "DUCK", 4);
  std::memcpy(bytes.data() + 12, &version, 8);
  std::memcpy(bytes.data() + 20, &flags, 8);
  std::memcpy(bytes.data() + 52, "v9.9.9", 6);
  return bytes;
}

TEST(DatabaseHeader, KnowsVersions) {
  for (uint64_t version = kOldestStorageVersion; version <= kNewestStorageVersion; version++) {
    const Result<DatabaseHeader> header = parse_database_header(header_bytes(version), "t");
    ASSERT_TRUE(header.ok());
    EXPECT_EQ(header->storage_version, version);
    EXPECT_EQ(header->written_by, "v9.9.9");
    EXPECT_FALSE(header->encrypted);
  }
  EXPECT_TRUE(parse_database_header(header_bytes(68, 1), "t")->encrypted);
  const Result<DatabaseHeader> newer = parse_database_header(header_bytes(69), "t");
  ASSERT_FALSE(newer.ok());
  EXPECT_NE(newer.error().message.find("too new"), std::string::npos);
  EXPECT_NE(newer.error().detail.find("v9.9.9"), std::string::npos);
  const Result<DatabaseHeader> older = parse_database_header(header_bytes(63), "t");
  ASSERT_FALSE(older.ok());
  EXPECT_NE(older.error().message.find("too old"), std::string::npos);
}

TEST(DatabaseHeader, TellsWhatElseItIs) {
  const auto error = [](std::string_view bytes) { return parse_database_header(bytes, "t").error(); };
  EXPECT_EQ(error("hello").code, ErrorCode::kDataCorrupted);
  EXPECT_EQ(error(std::string(4096, '\0')).code, ErrorCode::kDataCorrupted);
  EXPECT_EQ(error(header_bytes(68).substr(0, 40)).code, ErrorCode::kDataCorrupted);
  EXPECT_EQ(error("SQLite format 3 and more").detail, "it is an SQLite database");
  EXPECT_EQ(error("PAR1....").detail, "it is a Parquet file");
}

TEST(DatabaseHeader, AnEmptyOrMissingFileIsANewDatabase) {
  os::TempDir dir;
  EXPECT_TRUE(read_database_header(dir.file("t"))->empty);
  std::ofstream(dir.file("t")).flush();
  EXPECT_TRUE(read_database_header(dir.file("t"))->empty);
  std::ofstream(dir.file("t")) << header_bytes(68);
  const Result<DatabaseHeader> header = read_database_header(dir.file("t"));
  ASSERT_TRUE(header.ok());
  EXPECT_FALSE(header->empty);
}

TEST(SocketDir, IsPrivateAndDiffersByDatabase) {
  os::TempDir dir;
  const RuntimeRoots roots{"", dir.path()};
  const std::string one = *make_runtime_dir("/a", roots), two = *make_runtime_dir("/b", roots);
  EXPECT_NE(one, two);
  EXPECT_EQ(one, *make_runtime_dir("/a", roots));
  EXPECT_TRUE(one.starts_with(dir.path() + "/merganser-" + std::to_string(::geteuid()) + "/"));
  EXPECT_EQ(fs::status(one).permissions(), fs::perms(0700));
  EXPECT_EQ(fs::status(fs::path(one).parent_path()).permissions(), fs::perms(0700));
}

TEST(SocketDir, PrefersTheSessionsDirectoryIfItIsOurs) {
  os::TempDir dir, session;
  const std::string path = *make_runtime_dir("/a", {session.path(), dir.path()});
  EXPECT_TRUE(path.starts_with(session.path() + "/merganser/")) << path;
  EXPECT_TRUE(make_runtime_dir("/a", {session.file("gone"), dir.path()})->starts_with(dir.path()));
  EXPECT_TRUE(make_runtime_dir("/a", {"relative", dir.path()})->starts_with(dir.path()));
  const std::string deep = session.file(std::string(80, 'x'));
  fs::create_directory(deep);
  EXPECT_TRUE(make_runtime_dir("/a", {deep, dir.path()})->starts_with(dir.path())) << "sockets would not fit";
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chown(session.path().c_str(), kNobody, kNobody), 0);
  EXPECT_TRUE(make_runtime_dir("/a", {session.path(), dir.path()})->starts_with(dir.path()));
}

TEST(SocketDir, DoesNotTrustADirectoryThatOthersMayHaveMade) {
  os::TempDir dir;
  const RuntimeRoots roots{"", dir.path()};
  const std::string root = dir.path() + "/merganser-" + std::to_string(::geteuid());
  fs::create_directory(dir.file("elsewhere"));
  fs::create_directory_symlink(dir.file("elsewhere"), root);
  const auto reason = [&] {
    const Result<std::string> path = make_runtime_dir("/a", roots);
    EXPECT_EQ(path.ok() ? ErrorCode::kSuccessfulCompletion : path.error().code, ErrorCode::kInsufficientPrivilege);
    return path.ok() ? "" : path.error().detail;
  };
  EXPECT_EQ(reason(), "it is a symbolic link");
  fs::remove(root);
  fs::create_directory(root);
  fs::permissions(root, fs::perms(0755));
  EXPECT_EQ(reason(), "others may enter it");
  fs::permissions(root, fs::perms(0700));
  EXPECT_TRUE(make_runtime_dir("/a", roots).ok());
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chown(root.c_str(), kNobody, kNobody), 0);
  EXPECT_EQ(reason(), "it belongs to nobody");
}

TEST(SocketDir, HasOneOwnerAtATime) {
  os::TempDir dir;
  const SocketDir::Options options{dir.file("s"), 5433, {}, std::chrono::milliseconds(20)};
  {
    const Result<SocketDir> first = SocketDir::open("/a", options);
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(first->postgres_socket(), real(dir) + "/s/.s.PGSQL.5433");
    const Result<SocketDir> second = SocketDir::open("/b", options);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::kObjectInUse);
  }
  EXPECT_TRUE(SocketDir::open("/b", options).ok());
}

TEST(SocketDir, RefusesALongPathAndAForeignSocket) {
  os::TempDir dir;
  const Result<SocketDir> longer = SocketDir::open("/a", {dir.file(std::string(100, 'x')), 5432, {}, {}});
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().code, ErrorCode::kProgramLimitExceeded);
  std::ofstream(dir.file(".s.PGSQL.5432")) << "not a socket";
  EXPECT_FALSE(SocketDir::open("/a", {dir.path(), 5432, {}, {}}).ok());
  std::ofstream(dir.file("file")) << "x";
  EXPECT_FALSE(SocketDir::open("/a", {dir.file("file"), 5432, {}, {}}).ok());
}

}  // namespace
}  // namespace merganser::owner
