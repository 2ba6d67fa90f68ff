#include "engine/live_names.h"

#include <gtest/gtest.h>

namespace merganser::engine {
namespace {

struct Case {
  const char* sql;
  const char* expected;  // null: it stays as it is
};

constexpr Case kRewritten[] = {
    {"SELECT * FROM merganser.activity", "SELECT * FROM system.main.merganser_activity() AS activity"},
    {"select * from Merganser . \"Activity\" a where a.pid = 1",
     "select * from system.main.merganser_activity() a where a.pid = 1"},
    {"FROM merganser.statistics", "FROM system.main.merganser_statistics() AS statistics"},
    {"FROM merganser.statistics SELECT name", "FROM system.main.merganser_statistics() AS statistics SELECT name"},
    {"select 1 from merganser.activity as x", "select 1 from system.main.merganser_activity() as x"},
    {"select 1 from t, merganser.activity \"x\"", "select 1 from t, system.main.merganser_activity() \"x\""},
    {"select 1 from merganser.activity, merganser.statistics",
     "select 1 from system.main.merganser_activity() AS activity, system.main.merganser_statistics() AS statistics"},
    {"select 1 from t join merganser.activity using (pid)",
     "select 1 from t join system.main.merganser_activity() AS activity using (pid)"},
    {"select 1 from (merganser.activity join t on true)",
     "select 1 from (system.main.merganser_activity() AS activity join t on true)"},
    {"select (select count(*) from merganser.activity), x from t",
     "select (select count(*) from system.main.merganser_activity() AS activity), x from t"},
    {"select 1 where exists (from merganser.activity)",
     "select 1 where exists (from system.main.merganser_activity() AS activity)"},
    {"select array(from merganser.activity)", "select array(from system.main.merganser_activity() AS activity)"},
    {"with a as (select * from merganser.activity) select * from a",
     "with a as (select * from system.main.merganser_activity() AS activity) select * from a"},
    {"select merganser.activity.state, activity.pid from merganser.activity",
     "select activity.state, activity.pid from system.main.merganser_activity() AS activity"},
    {"insert into log select now(), a.* from merganser.activity a",
     "insert into log select now(), a.* from system.main.merganser_activity() a"},
    {"merge into t using merganser.activity a on t.i = a.id when matched then delete",
     "merge into t using system.main.merganser_activity() a on t.i = a.id when matched then delete"},
    {"describe merganser.activity", "describe FROM system.main.merganser_activity() AS activity"},
    {"desc merganser.activity", "desc FROM system.main.merganser_activity() AS activity"},
    {"(summarize merganser.statistics)", "(summarize FROM system.main.merganser_statistics() AS statistics)"},
    {"select 1 from merganser/* here */.activity -- there\n where true",
     "select 1 from system.main.merganser_activity() AS activity -- there\n where true"},
    {"select extract(year from max(since)) from merganser.activity",
     "select extract(year from max(since)) from system.main.merganser_activity() AS activity"},
};

constexpr Case kKept[] = {
    {"select 'merganser.activity'", nullptr},
    {"select * from \"merganser.activity\"", nullptr},
    {"select * from merganser.idempotency_keys", nullptr},
    {"insert into merganser.idempotency_keys select * from t", nullptr},
    {"select * from other.merganser.activity", nullptr},
    {"select merganser.activity from t as merganser", nullptr},
    {"select x from t merganser where merganser.activity > 3", nullptr},
    {"select x from t merganser where a is distinct from merganser.activity", nullptr},
    {"select x from t merganser where a is not distinct from merganser.statistics", nullptr},
    {"select extract(year from merganser.activity) from t as merganser", nullptr},
    {"select x from t merganser, unnest(merganser.activity)", nullptr},
    {"select x from t merganser order by x, merganser.activity", nullptr},
    {"select x from merganser.activity()", nullptr},
    {"delete from merganser.activity", nullptr},
    {"select x from t merganser order by x desc, merganser.activity desc", nullptr},
    {"update merganser.activity set a = 1", nullptr},
    {"insert into merganser.activity values (1)", nullptr},
    {"create table merganser.activity(i int)", nullptr},
    {"select 1 from t -- from merganser.activity", nullptr},
    {"select $$ from merganser.activity $$", nullptr},
    {"select 1 from merganser.activity.x", nullptr},
    {"merganser", nullptr},
    {"from merganser.", nullptr},
    {"", nullptr},
};

TEST(LiveNames, TablesBecomeCalls) {
  for (const Case& test : kRewritten) {
    const auto rewritten = rewrite_live_names(test.sql);
    ASSERT_TRUE(rewritten) << test.sql;
    EXPECT_EQ(rewritten->text, test.expected);
  }
}

TEST(LiveNames, AllElseStays) {
  for (const Case& test : kKept) {
    const auto rewritten = rewrite_live_names(test.sql);
    EXPECT_FALSE(rewritten) << test.sql << " became " << rewritten->text;
  }
}

TEST(LiveNames, PlacesOfErrorsAreThoseOfTheClient) {
  const std::string sql = "select 'ä', x1 from merganser.activity where y2 = (select z3 from merganser.statistics s)";
  const auto rewritten = rewrite_live_names(sql);
  ASSERT_TRUE(rewritten);
  const auto place = [](const std::string& text, const std::string& what) {
    const std::string before = text.substr(0, text.find(what));
    int characters = 1;
    for (const char c : before) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
    return characters;
  };
  for (const char* name : {"x1", "y2", "z3"}) {
    EXPECT_EQ(rewritten->client_position(place(rewritten->text, name)), place(sql, name)) << name;
  }
  EXPECT_EQ(rewritten->client_position(place(rewritten->text, "main.merganser_activity")),
            place(sql, "merganser.activity"));
  EXPECT_EQ(rewritten->client_position(0), 0);
}

}  // namespace
}  // namespace merganser::engine
