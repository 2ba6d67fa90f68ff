#include "session/client_encoding.h"

#include <algorithm>
#include <cctype>
#include <iterator>

namespace merganser::session {
namespace {

// What PostgreSQL 15 knows, and its aliases, in small letters and without what stands between letters and digits.
constexpr std::string_view kOthers[] = {
    "abc",         "alt",         "big5",        "euccn",       "eucjis2004",   "eucjp",       "euckr",
    "euctw",       "gb18030",     "gbk",         "iso88591",    "iso885910",    "iso885913",   "iso885914",
    "iso885915",   "iso885916",   "iso88592",    "iso88593",    "iso88594",     "iso88595",    "iso88596",
    "iso88597",    "iso88598",    "iso88599",    "johab",       "koi8",         "koi8r",       "koi8u",
    "latin1",      "latin10",     "latin2",      "latin3",      "latin4",       "latin5",      "latin6",
    "latin7",      "latin8",      "latin9",      "mskanji",     "muleinternal", "shiftjis",    "shiftjis2004",
    "sjis",        "tcvn",        "tcvn5712",    "uhc",         "vscii",        "win",         "win1250",
    "win1251",     "win1252",     "win1253",     "win1254",     "win1255",      "win1256",     "win1257",
    "win1258",     "win866",      "win874",      "win932",      "win936",       "win949",      "win950",
    "windows1250", "windows1251", "windows1252", "windows1253", "windows1254",  "windows1255", "windows1256",
    "windows1257", "windows1258", "windows866",  "windows874",  "windows932",   "windows936",  "windows949",
    "windows950",
};

}  // namespace

Result<std::string> client_encoding_name(std::string_view asked) {
  std::string plain;  // drivers spell it in every way, asyncpg with quotes
  for (const char c : asked) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) plain += static_cast<char>(std::tolower(byte));
  }
  if (plain == "utf8" || plain == "unicode") return std::string("UTF8");
  if (plain == "sqlascii") return std::string("SQL_ASCII");
  if (std::find(std::begin(kOthers), std::end(kOthers), plain) != std::end(kOthers)) {
    return make_error(ErrorCode::kFeatureNotSupported,
                      "conversion between " + std::string(asked) + " and UTF8 is not supported", {},
                      "Only UTF8 is spoken: set client_encoding, or PGCLIENTENCODING, to UTF8.");
  }
  return make_error(ErrorCode::kInvalidParameterValue,
                    "invalid value for parameter \"client_encoding\": \"" + std::string(asked.substr(0, 100)) + "\"",
                    {}, "Only UTF8 is spoken.");
}

}  // namespace merganser::session
