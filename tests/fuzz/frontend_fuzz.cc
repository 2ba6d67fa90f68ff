// Feeds bytes to the parser of client messages. The first byte of an input says in which phase the parser starts and
// how small its limits are; the rest is the stream.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "pgwire/frontend.h"

namespace {

using namespace merganser::pgwire;

// Not assert: release builds fuzz too.
void require(bool holds) {
  if (!holds) std::abort();
}

// Reads every byte that a message points to, so that the address sanitizer sees views that point elsewhere.
class Toucher {
 public:
  explicit Toucher(std::string_view input) : input_(input) {}
  void text(std::string_view view) {
    require(view.empty() ||
            (view.data() >= input_.data() && view.data() + view.size() <= input_.data() + input_.size()));
    for (const char c : view) sum_ = sum_ + static_cast<unsigned char>(c);
  }
  template <typename Numbers>
  void numbers(const Numbers& numbers) {
    for (const auto number : numbers) sum_ = sum_ + static_cast<unsigned>(number);
  }
  template <typename Values>
  void values(const Values& values) {
    for (const auto& value : values) text(value.value_or(std::string_view()));
  }

  void operator()(const StartupMessage& m) {
    for (const auto& [name, value] : m.parameters) text(name), text(value);
    (void)m.find("user");
  }
  void operator()(const Query& m) { text(m.sql); }
  void operator()(const Parse& m) { text(m.name), text(m.sql), numbers(m.oids); }
  void operator()(const Bind& m) {
    text(m.portal), text(m.statement), numbers(m.formats), values(m.params), numbers(m.result_formats);
    require(m.formats.size() <= 1 || m.formats.size() == m.params.size());
  }
  void operator()(const Describe& m) { require(m.kind == 'S' || m.kind == 'P'), text(m.name); }
  void operator()(const Close& m) { require(m.kind == 'S' || m.kind == 'P'), text(m.name); }
  void operator()(const Execute& m) { require(m.max_rows >= 0), text(m.portal); }
  void operator()(const CopyData& m) { text(m.bytes); }
  void operator()(const CopyFail& m) { text(m.reason); }
  void operator()(const FunctionCall& m) { numbers(m.formats), values(m.args); }
  void operator()(const PasswordMessage& m) {
    text(m.body);
    if (const auto sasl = parse_sasl_initial_response(m.body); sasl.ok()) {
      text(sasl->mechanism), text(sasl->data.value_or(std::string_view()));
    }
    if (const auto password = parse_password(m.body); password.ok()) text(*password);
  }
  template <typename Empty>
  void operator()(const Empty&) {}

 private:
  std::string_view input_;
  volatile unsigned sum_ = 0;
};

FrontendParser parser_for(uint8_t choice) {
  FrontendLimits limits;
  if ((choice & 4) != 0) limits = {64, 32, 16, 128};
  FrontendParser parser(limits);
  if ((choice & 3) == 0) return parser;
  static constexpr std::string_view kStartup("\0\0\0\x0F\0\3\0\0user\0\0\0", 15);
  size_t consumed = 0;
  (void)parser.next(kStartup, consumed);
  if ((choice & 3) != 1) parser.set_authenticated();
  return parser;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  FrontendParser parser = parser_for(data[0]);
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (true) {
    // A copy of its own at the exact size: reading one byte too far is an error, not the next message.
    const std::unique_ptr<char[]> copy(new char[rest.size()]);
    rest.copy(copy.get(), rest.size());
    const std::string_view in(copy.get(), rest.size());
    size_t consumed = ~size_t{0};
    const Parsed parsed = parser.next(in, consumed);
    if (const auto* need = std::get_if<NeedMore>(&parsed)) {
      require(consumed == 0 && need->total > in.size());
      return 0;
    }
    if (const auto* problem = std::get_if<ProtocolError>(&parsed)) {
      require(!problem->error.message.empty());
      require(problem->fatal == (consumed == 0));
      if (problem->fatal) return 0;
    } else {
      std::visit(Toucher(in.substr(0, consumed)), std::get<FrontendMessage>(parsed));
    }
    require(consumed > 0 && consumed <= in.size());
    rest.remove_prefix(consumed);
  }
}
