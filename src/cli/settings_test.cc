#include "cli/settings.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/owner_access.h"
#include "cli/settings_load.h"
#include "cli/units.h"

namespace merganser::cli {
namespace {

using namespace std::chrono_literals;

class SettingsTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/merganser-settings-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    dir_ = name;
    input_.system_file = dir_ + "/system.toml";
    input_.environment["HOME"] = dir_ + "/home";
    std::filesystem::create_directories(dir_ + "/home/.config/merganser");
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string write(const std::string& name, const std::string& text) {
    std::string path = dir_ + "/" + name;
    std::ofstream(path) << text;
    chmod(path.c_str(), 0644);
    return path;
  }
  std::string message_of(const std::string& toml) {
    input_.config_flag = write("one.toml", toml);
    const auto loaded = load_settings(input_);
    return loaded.ok() ? "no error" : loaded.error().to_string();
  }

  std::string dir_;
  SettingsInput input_;
};

TEST_F(SettingsTest, EveryDefaultIsAcceptedAndReadsBackTheSame) {
  for (const SettingSpec& spec : setting_specs()) {
    Settings copy;
    const std::string text = setting_text(Settings(), spec);
    ASSERT_TRUE(set_setting(copy, spec, text).ok()) << spec.name << " = " << text;
    EXPECT_EQ(setting_text(copy, spec), text) << spec.name;
    EXPECT_FALSE(spec.doc.empty()) << spec.name;
  }
}

TEST_F(SettingsTest, LaterSourcesWin) {
  write("system.toml", "port = 1111\nthreads = 1\nbatch_max_units = 5\nlog_level = \"warn\"\n");
  write("home/.config/merganser/config.toml", "# mine\nthreads = 2\nbatch_max_units = 6\nlog_level = \"debug\"\n");
  input_.database_file = dir_ + "/x.duckdb";
  write("x.duckdb.merganser.toml", "batch_max_units = 7\nlog_level = \"error\"\n");
  input_.environment["MERGANSER_LOG_LEVEL"] = "info";
  input_.environment["MERGANSER_LINGER"] = "1ms";
  input_.flags = {{"linger", "500us"}};

  const auto loaded = load_settings(input_);
  ASSERT_TRUE(loaded.ok()) << loaded.error().to_string();
  EXPECT_EQ(loaded->settings.port, 1111);
  EXPECT_EQ(loaded->settings.threads, 2);
  EXPECT_EQ(loaded->settings.batch_max_units, 7);
  EXPECT_EQ(loaded->settings.log_level, "info");
  EXPECT_EQ(loaded->settings.linger, 500us);
  EXPECT_EQ(loaded->origins.at("port").where, dir_ + "/system.toml:1");
  EXPECT_EQ(loaded->origins.at("threads").where, dir_ + "/home/.config/merganser/config.toml:2");
  EXPECT_EQ(loaded->origins.at("log_level").where, "MERGANSER_LOG_LEVEL");
  EXPECT_EQ(loaded->origins.at("linger").where, "--linger");
  EXPECT_EQ(loaded->origins.at("linger").origin, Origin::kFlag);
  EXPECT_EQ(loaded->origins.count("memory_limit"), 0U);
  EXPECT_EQ(loaded->files.size(), 3U);
}

TEST_F(SettingsTest, ANamedFileTakesThePlaceOfTheOthers) {
  write("system.toml", "port = 1111\n");
  input_.environment["MERGANSER_CONFIG"] = write("named.toml", "threads = 3\n");
  const auto loaded = load_settings(input_);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->settings.port, 5432);
  EXPECT_EQ(loaded->settings.threads, 3);
  input_.config_flag = dir_ + "/none.toml";
  EXPECT_FALSE(load_settings(input_).ok());
}

TEST_F(SettingsTest, ErrorsNameFileLineAndRange) {
  EXPECT_NE(message_of("\n\nportt = 3").find("one.toml:3: unknown setting \"portt\""), std::string::npos);
  EXPECT_NE(message_of("portt = 3").find("did you mean port?"), std::string::npos);
  EXPECT_NE(message_of("port = 99999").find("a whole number from 1 to 65535"), std::string::npos);
  EXPECT_NE(message_of("port = \"5432\"").find("cannot be the text"), std::string::npos);
  EXPECT_NE(message_of("linger = 5").find("a duration with its unit from 0 to 1ms"), std::string::npos);
  EXPECT_NE(message_of("linger = \"2ms\"").find("from 0 to 1ms"), std::string::npos);
  EXPECT_NE(message_of("create_parents = 1").find("true or false"), std::string::npos);
  EXPECT_NE(message_of("log_level = \"loud\"").find("debug, info, warn or error"), std::string::npos);
  EXPECT_NE(message_of("listen = \"5432\"").find("127.0.0.1:5432"), std::string::npos);
  EXPECT_NE(message_of("port = ").find("one.toml:1: not valid TOML"), std::string::npos);
  EXPECT_EQ(message_of("idle_timeout = 0\ntemp_limit = 1024\nlisten = \"[::1]:0\"\nmemory_limit = \"50%\""),
            "no error");
}

TEST_F(SettingsTest, ErrorsNameVariableOrFlag) {
  input_.environment["MERGANSER_THREADS"] = "many";
  EXPECT_NE(load_settings(input_).error().message.find("MERGANSER_THREADS"), std::string::npos);
  input_.environment.erase("MERGANSER_THREADS");
  input_.flags = {{"batch_max_units", "0"}};
  EXPECT_NE(load_settings(input_).error().message.find("--batch-max-units"), std::string::npos);
}

TEST_F(SettingsTest, AMistypedVariableIsWarnedOf) {
  input_.environment["MERGANSER_TREADS"] = "2";
  input_.environment["MERGANSER_HOME"] = "/opt/merganser";  // not ours, and like nothing of ours
  const auto loaded = load_settings(input_);
  ASSERT_TRUE(loaded.ok());
  ASSERT_EQ(loaded->warnings.size(), 1U);
  EXPECT_NE(loaded->warnings[0].find("MERGANSER_THREADS"), std::string::npos);
}

TEST_F(SettingsTest, AFileOfSomebodyElseIsRefused) {
  const std::string path = write("open.toml", "port = 1\n");
  chmod(path.c_str(), 0666);
  input_.config_flag = path;
  EXPECT_NE(load_settings(input_).error().message.find("written by everyone"), std::string::npos);
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  chmod(path.c_str(), 0644);
  ASSERT_EQ(chown(path.c_str(), 65534, 65534), 0);
  EXPECT_NE(load_settings(input_).error().message.find("another user"), std::string::npos);
}

TEST_F(SettingsTest, RelativePathsStartWhereTheyAreWritten) {
  input_.config_flag = write("paths.toml", "temp_dir = \"spill\"\nlog_file = \"/var/log/m\"\n");
  input_.environment["MERGANSER_PASSWORD_FILE"] = "passwords";
  input_.flags = {{"socket_dir", "s"}};
  input_.directory = "/work";
  const auto loaded = load_settings(input_);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->settings.temp_dir, dir_ + "/spill");
  EXPECT_EQ(loaded->settings.log_file, "/var/log/m");
  EXPECT_EQ(loaded->settings.password_file, "/work/passwords");
  EXPECT_EQ(loaded->settings.socket_dir, "/work/s");
}

TEST(StartArguments, AreAbsolute) {
  FileOptions options;
  options.config_flag = "conf.toml";
  options.setting_flags = {{"socket_dir", "s"}, {"threads", "2"}};
  const auto arguments = start_arguments(
      options, {{"MERGANSER_LOG_FILE", "log"}, {"MERGANSER_TEMP_DIR", "/tmp"}, {"MERGANSER_THREADS", "1"}}, "/work");
  EXPECT_EQ(arguments.flags,
            (std::vector<std::string>{"--config=/work/conf.toml", "--socket-dir=/work/s", "--threads=2"}));
  EXPECT_EQ(arguments.environment,
            (std::vector<std::pair<std::string, std::string>>{{"MERGANSER_LOG_FILE", "/work/log"}}));
}

TEST(Units, SizesAndDurations) {
  EXPECT_EQ(parse_size("256MiB"), 256ULL << 20);
  EXPECT_EQ(parse_size("1.5 kib"), 1536U);
  EXPECT_EQ(parse_size("4GB"), 4'000'000'000U);
  EXPECT_EQ(parse_size("17"), 17U);
  EXPECT_FALSE(parse_size("MiB"));
  EXPECT_FALSE(parse_size("-1"));
  EXPECT_FALSE(parse_size("99999999TiB"));
  EXPECT_FALSE(parse_size("1..5MiB"));
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("0"), 0us);
  EXPECT_EQ(parse_duration("10min"), 600s);
  EXPECT_FALSE(parse_duration("10"));
  EXPECT_FALSE(parse_duration("10 parsecs"));
  EXPECT_EQ(duration_text(60s), "60s");
  EXPECT_EQ(duration_text(600s), "10min");
  EXPECT_EQ(duration_text(1500us), "1500us");
  EXPECT_EQ(duration_text(3600s), "1h");
  EXPECT_EQ(size_text(256 << 20), "256MiB");
  EXPECT_EQ(size_text(1000), "1KB");
  EXPECT_EQ(size_text(0), "0");
  EXPECT_EQ(human_size(12'900'000), "12.3 MiB");
  EXPECT_EQ(human_count(-1234567), "-1,234,567");
  EXPECT_EQ(human_count(123), "123");
}

}  // namespace
}  // namespace merganser::cli
