#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "pgwire/backend.h"
#include "pgwire/backend_reader.h"

namespace merganser::pgwire {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

// Writes with `write` and reads the one message that came out.
template <typename Write>
BackendMessage one(std::string& buffer, Write write) {
  buffer.clear();
  BackendWriter writer(buffer);
  write(writer);
  std::string_view in = buffer;
  auto message = next_backend_message(in);
  EXPECT_TRUE(message.ok() && message->has_value());
  EXPECT_TRUE(in.empty()) << "the length does not cover the message";
  return **message;
}

struct Golden {
  const char* name;
  void (*write)(BackendWriter&);
  std::string bytes;
};
void PrintTo(const Golden& g, std::ostream* os) {
  *os << g.name;
}

class EveryBackendMessage : public testing::TestWithParam<Golden> {};

TEST_P(EveryBackendMessage, HasItsBytes) {
  std::string buffer = "before";
  BackendWriter writer(buffer);
  GetParam().write(writer);
  EXPECT_EQ(buffer, "before" + GetParam().bytes);
}

INSTANTIATE_TEST_SUITE_P(
    Backend, EveryBackendMessage,
    testing::Values(
        Golden{"EncryptionNo", [](BackendWriter& w) { w.encryption_answer('N'); }, "N"},
        Golden{"AuthenticationOk", [](BackendWriter& w) { w.authentication_ok(); }, "R\0\0\0\x08\0\0\0\0"s},
        Golden{"AuthenticationCleartext", [](BackendWriter& w) { w.authentication_cleartext_password(); },
               "R\0\0\0\x08\0\0\0\x03"s},
        Golden{"AuthenticationSasl", [](BackendWriter& w) { w.authentication_sasl({"SCRAM-SHA-256"}); },
               "R\0\0\0\x17\0\0\0\x0ASCRAM-SHA-256\0\0"s},
        Golden{"SaslContinue", [](BackendWriter& w) { w.authentication_sasl_continue("r=x"); },
               "R\0\0\0\x0B\0\0\0\x0Br=x"s},
        Golden{"SaslFinal", [](BackendWriter& w) { w.authentication_sasl_final("v=y"); }, "R\0\0\0\x0B\0\0\0\x0Cv=y"s},
        Golden{"Negotiate",
               [](BackendWriter& w) {
                 const std::string_view unknown[] = {"_pq_.a"};
                 w.negotiate_protocol_version(3 << 16 | 2, unknown);
               },
               "v\0\0\0\x13\0\x03\0\x02\0\0\0\x01_pq_.a\0"s},
        Golden{"ParameterStatus", [](BackendWriter& w) { w.parameter_status("TimeZone", "UTC"); },
               "S\0\0\0\x11TimeZone\0UTC\0"s},
        Golden{"BackendKeyData", [](BackendWriter& w) { w.backend_key_data(1, "\xFF\xFF\xFF\xFE"); },
               "K\0\0\0\x0C\0\0\0\x01\xFF\xFF\xFF\xFE"s},
        Golden{"ReadyForQuery", [](BackendWriter& w) { w.ready_for_query('T'); }, "Z\0\0\0\x05T"s},
        Golden{"ParameterDescription",
               [](BackendWriter& w) {
                 const int32_t oids[] = {23, 25};
                 w.parameter_description(oids);
               },
               "t\0\0\0\x0E\0\x02\0\0\0\x17\0\0\0\x19"s},
        Golden{"CommandComplete", [](BackendWriter& w) { w.command_complete("INSERT 0 1"); },
               "C\0\0\0\x0FINSERT 0 1\0"s},
        Golden{"EmptyQuery", [](BackendWriter& w) { w.empty_query_response(); }, "I\0\0\0\x04"s},
        Golden{"ParseComplete", [](BackendWriter& w) { w.parse_complete(); }, "1\0\0\0\x04"s},
        Golden{"BindComplete", [](BackendWriter& w) { w.bind_complete(); }, "2\0\0\0\x04"s},
        Golden{"CloseComplete", [](BackendWriter& w) { w.close_complete(); }, "3\0\0\0\x04"s},
        Golden{"NoData", [](BackendWriter& w) { w.no_data(); }, "n\0\0\0\x04"s},
        Golden{"PortalSuspended", [](BackendWriter& w) { w.portal_suspended(); }, "s\0\0\0\x04"s},
        Golden{"Notification", [](BackendWriter& w) { w.notification_response(7, "ch", "pay"); },
               "A\0\0\0\x0F\0\0\0\x07"
               "ch\0pay\0"s},
        Golden{"CopyIn", [](BackendWriter& w) { w.copy_in_response(0, 2); }, "G\0\0\0\x0B\0\0\x02\0\0\0\0"s},
        Golden{"CopyOut", [](BackendWriter& w) { w.copy_out_response(1, 1); }, "H\0\0\0\x09\x01\0\x01\0\x01"s},
        Golden{"CopyData", [](BackendWriter& w) { w.copy_data("a\0b"sv); },
               "d\0\0\0\x07"
               "a\0b"s},
        Golden{"CopyDone", [](BackendWriter& w) { w.copy_done(); }, "c\0\0\0\x04"s}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(BackendWriter, RowDescriptionComesBack) {
  const FieldDescription fields[] = {{"id", 16384, 1, 20, 8, -1, 1}, {"näme", 0, 0, 1043, -1, 14, 0}};
  std::string buffer;
  const BackendMessage message = one(buffer, [&](BackendWriter& w) { w.row_description(fields); });
  EXPECT_EQ(message.type, 'T');
  const auto read = read_row_description(message.body);
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].name, "id");
  EXPECT_EQ((*read)[0].table_oid, 16384);
  EXPECT_EQ((*read)[0].column_number, 1);
  EXPECT_EQ((*read)[0].type_oid, 20);
  EXPECT_EQ((*read)[0].type_length, 8);
  EXPECT_EQ((*read)[0].format, 1);
  EXPECT_EQ((*read)[1].name, "näme");
  EXPECT_EQ((*read)[1].type_modifier, 14);
  const BackendMessage none = one(buffer, [](BackendWriter& w) { w.row_description({}); });
  EXPECT_EQ(read_row_description(none.body)->size(), 0U);
}

TEST(BackendWriter, DataRowsComeBack) {
  std::string buffer;
  BackendWriter writer(buffer);
  writer.data_row_begin(3);
  writer.data_field("a\0b"sv);
  writer.data_null();
  writer.data_field("");
  ASSERT_TRUE(writer.data_row_end().ok());
  writer.data_row_begin(0);
  ASSERT_TRUE(writer.data_row_end().ok());
  std::string_view in = buffer;
  const auto first = next_backend_message(in);
  EXPECT_EQ((*first)->type, 'D');
  const auto row = read_data_row((*first)->body);
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(*row, (RowValues{"a\0b"sv, std::nullopt, ""}));
  const auto second = next_backend_message(in);
  EXPECT_EQ(read_data_row((*second)->body)->size(), 0U);
  EXPECT_TRUE(in.empty());
}

TEST(BackendWriter, ErrorHasItsFieldsInOrder) {
  Error error = make_error(ErrorCode::kSyntaxError, "syntax error", "detail", "hint");
  error.position = 8;
  std::string buffer;
  const BackendMessage full = one(buffer, [&](BackendWriter& w) { w.error_response(error); });
  EXPECT_EQ(full.type, 'E');
  EXPECT_EQ(full.body, "SERROR\0VERROR\0C42601\0Msyntax error\0Ddetail\0Hhint\0P8\0\0"sv);
  const BackendMessage fatal = one(buffer, [](BackendWriter& w) {
    w.error_response(make_error(ErrorCode::kInvalidPassword, "no"), Severity::kFatal);
  });
  EXPECT_EQ(fatal.body, "SFATAL\0VFATAL\0C28P01\0Mno\0\0"sv);
  const BackendMessage notice = one(buffer, [](BackendWriter& w) {
    w.notice_response(make_error(ErrorCode::kNoActiveTransaction, "there is no transaction in progress"),
                      NoticeSeverity::kWarning);
  });
  EXPECT_EQ(notice.type, 'N');
  EXPECT_EQ(notice.body, "SWARNING\0VWARNING\0C25P01\0Mthere is no transaction in progress\0\0"sv);
}

// A zero inside a message would end the field early, and what follows would be read as fields of its own.
TEST(BackendWriter, ZerosCannotBeSmuggled) {
  const Error error = make_error(ErrorCode::kSyntaxError, "bad\0C00000\0"s, "\0"s);
  std::string buffer;
  const BackendMessage message = one(buffer, [&](BackendWriter& w) { w.error_response(error); });
  const auto fields = read_report(message.body);
  ASSERT_TRUE(fields.ok());
  EXPECT_EQ(fields->at('C'), "42601");
  EXPECT_EQ(fields->at('M'), "bad\uFFFDC00000\uFFFD");
  EXPECT_EQ(fields->at('D'), "\uFFFD");

  const FieldDescription column[] = {{.name = "a\0b"sv}};
  const BackendMessage row = one(buffer, [&](BackendWriter& w) { w.row_description(column); });
  ASSERT_TRUE(read_row_description(row.body).ok());
  EXPECT_EQ(read_row_description(row.body)->at(0).name, "a\uFFFDb");

  const BackendMessage tag = one(buffer, [](BackendWriter& w) { w.command_complete("SELECT\0 1"sv); });
  EXPECT_EQ(tag.body, "SELECT\uFFFD 1\0"sv);
  const BackendMessage status = one(buffer, [](BackendWriter& w) { w.parameter_status("a", "b\0c"sv); });
  EXPECT_EQ(status.body, "a\0b\uFFFDc\0"sv);
}

TEST(BackendReader, RefusesWhatIsCutOrTooLong) {
  std::string buffer;
  BackendWriter writer(buffer);
  writer.data_row_begin(2);
  writer.data_field("abc");
  writer.data_null();
  ASSERT_TRUE(writer.data_row_end().ok());
  for (size_t cut = 0; cut < buffer.size(); cut++) {
    std::string part = buffer.substr(0, cut);
    std::string_view in = part;
    const auto message = next_backend_message(in);
    ASSERT_TRUE(message.ok());
    EXPECT_FALSE(message->has_value());
    EXPECT_EQ(in.size(), cut);
  }
  const std::string_view body = std::string_view(buffer).substr(5);
  for (size_t cut = 0; cut < body.size(); cut++) EXPECT_FALSE(read_data_row(body.substr(0, cut)).ok()) << cut;
  EXPECT_FALSE(read_data_row(std::string(body) + "x").ok());
  std::string_view bad = "D\0\0\0\x03"sv;
  EXPECT_FALSE(next_backend_message(bad).ok());
  std::string_view big = "D\0\0\x01\0"sv;
  EXPECT_FALSE(next_backend_message(big, 16).ok());
}

}  // namespace
}  // namespace merganser::pgwire
