// One client of the null server: answers every statement of the protocol with a canned reply, without I/O.
//
// Threads: one. It exists to show what client, kernel and protocol alone cost, so that a benchmark of the real server
// can say which share of the possible it reaches. It uses the real codec and the real SCRAM.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "auth/password_file.h"
#include "auth/scram.h"
#include "pgwire/backend.h"
#include "pgwire/frontend.h"

namespace merganser::bench {

// What a statement is answered with: by its first word, or always the same.
enum class Reply : uint8_t { kByWord, kInsert, kSelect };

struct NullOptions {
  Reply reply = Reply::kByWord;
  int rows = 1;                                   // of a SELECT
  const auth::PasswordFile* passwords = nullptr;  // null: trust everybody
};

class NullSession {
 public:
  explicit NullSession(const NullOptions& options) : options_(options) {}
  NullSession(const NullSession&) = delete;
  NullSession& operator=(const NullSession&) = delete;

  // Takes what the client sent and appends the answers to output(). False when the connection must be closed after
  // the output was sent. `in` loses what was consumed.
  bool feed(std::string_view& in);
  std::string& output() { return output_; }

 private:
  enum class ScramStep : uint8_t { kMechanism, kFirst, kFinal };  // which message is awaited
  struct Statement {
    std::string tag;  // empty for a SELECT
    bool rows = false;
    bool empty = false;
    char status_after = 0;  // 'T' after BEGIN, 'I' after COMMIT; 0: as before
    int parameters = 0;
  };
  struct Portal {
    Statement statement;
    int16_t format = 0;
  };

  bool handle(const pgwire::FrontendMessage& message);
  bool handle_extended(const pgwire::FrontendMessage& message);
  bool handle_password(std::string_view body);
  void greet();
  Statement classify(std::string_view sql) const;
  void describe(const Statement& statement, int16_t format);
  void execute(const Statement& statement, int16_t format);
  void simple_query(std::string_view sql);
  void fail(Error error);

  NullOptions options_;
  pgwire::FrontendParser parser_;
  std::string output_;
  pgwire::BackendWriter out_{output_};
  std::string user_;
  std::optional<auth::ScramServer> scram_;
  ScramStep scram_step_ = ScramStep::kMechanism;
  char status_ = 'I';
  bool skip_to_sync_ = false;
  std::map<std::string, Statement, std::less<>> statements_;
  std::map<std::string, Portal, std::less<>> portals_;
};

}  // namespace merganser::bench
