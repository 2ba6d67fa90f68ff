#include "session/write_options.h"

#include <algorithm>
#include <array>

#include "session/variables.h"

namespace merganser::session {
namespace {

using coordinator::DedupMode;
using coordinator::Priority;
using coordinator::WriteHints;
using coordinator::WriteOptions;

constexpr std::string_view kPrefix = "merganser.";
constexpr size_t kMaxKey = 1024;    // bytes of an order_key or dedup_key
constexpr size_t kMaxId = 255;      // bytes of an idempotency_key
constexpr size_t kMaxColumn = 255;  // bytes of a version_column
constexpr std::chrono::milliseconds kMaxDeadline{std::chrono::hours(24)};
constexpr std::chrono::milliseconds kMaxDebounce{std::chrono::minutes(10)};
constexpr std::chrono::milliseconds kDefaultDebounce{2000};

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kSettings{{
    {"merganser.deadline_ms", "0"},
    {"merganser.debounce_ms", "0"},
    {"merganser.dedup", "join"},
    {"merganser.dedup_key", ""},
    {"merganser.idempotency_key", ""},
    {"merganser.order_key", ""},
    {"merganser.priority", "interactive"},
    {"merganser.version_column", ""},
}};

std::string_view bare(std::string_view name) {
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(tolower(c)); });
  return out;
}

Error invalid(std::string_view name, const std::string& value, std::string hint) {
  constexpr size_t kShown = 100;
  return make_error(
      ErrorCode::kInvalidParameterValue,
      "invalid value for parameter \"merganser." + std::string(name) + "\": \"" + value.substr(0, kShown) + "\"", {},
      std::move(hint));
}

Result<std::string> assign_text(std::optional<std::string>& to, std::string_view name, const std::string& value,
                                size_t limit) {
  if (value.size() > limit) return invalid(name, value, "At most " + std::to_string(limit) + " bytes.");
  to = value;
  return value;
}

Result<std::string> assign_span(std::optional<std::chrono::milliseconds>& to, std::string_view name,
                                const std::string& value, std::chrono::milliseconds limit) {
  const auto parsed = parse_duration(value);
  if (!parsed.ok()) return invalid(name, value, parsed.error().hint);
  if (parsed->count() < 0 || *parsed > limit) {
    return invalid(name, value, "0 to " + std::to_string(limit.count()) + " milliseconds; 0 is none.");
  }
  to = *parsed;
  return std::to_string(parsed->count());
}

template <typename T>
Result<std::string> assign_word(std::optional<T>& to, std::string_view name, const std::string& value,
                                std::initializer_list<std::pair<std::string_view, T>> words) {
  std::string known;
  for (const auto& [word, meaning] : words) {
    if (lowered(value) == word) {
      to = meaning;
      return std::string(word);
    }
    known += (known.empty() ? "" : ", ") + std::string(word);
  }
  return invalid(name, value, "One of " + known + ".");
}

// ---- the comment -----------------------------------------------------------------------------------------------

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v' || c == ',';
}
bool is_name(char c) {
  return isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}
bool is_plain(char c) {
  return is_name(c) || c == ':' || c == '-' || c == '/' || c == '+' || c == '@';
}

// The text between /*+ and its end; an empty view when no comment of `before` begins so.
std::string_view hint_comment(std::string_view before) {
  for (size_t i = 0; i + 1 < before.size(); i++) {
    if (before[i] == '-' && before[i + 1] == '-') {
      i = std::min(before.find('\n', i), before.size() - 1);
    } else if (before[i] == '/' && before[i + 1] == '*') {
      const size_t start = i;
      int depth = 1;
      for (i += 2; depth > 0 && i + 1 < before.size(); i++) {
        if (before[i] == '*' && before[i + 1] == '/') {
          depth--;
          i++;
        } else if (before[i] == '/' && before[i + 1] == '*') {
          depth++;
          i++;
        }
      }
      if (before.substr(start).starts_with("/*+")) return before.substr(start + 3, i - start - 5);
      i--;
    }
  }
  return {};
}

class HintReader {
 public:
  explicit HintReader(std::string_view text) : text_(text) {}

  // Whether "name =" with a name of ours occurs, outside of quotes.
  bool names_ours() const {
    bool quoted = false;
    for (size_t i = 0; i < text_.size(); i++) {
      if (text_[i] == '\'') quoted = !quoted;
      if (quoted || !is_name(text_[i])) continue;
      const size_t start = i;
      while (i < text_.size() && is_name(text_[i])) i++;
      const std::string_view name = text_.substr(start, i - start);
      while (i < text_.size() && is_space(text_[i])) i++;
      if (i >= text_.size()) return false;
      if (text_[i] == '=' && known(name)) return true;
      i--;
    }
    return false;
  }

  Result<WriteHints> read() {
    WriteHints hints;
    while (true) {
      while (at_ < text_.size() && is_space(text_[at_])) at_++;
      if (at_ == text_.size()) return hints;
      const size_t start = at_;
      while (at_ < text_.size() && is_name(text_[at_])) at_++;
      const std::string name = lowered(text_.substr(start, at_ - start));
      while (at_ < text_.size() && is_space(text_[at_])) at_++;
      if (name.empty() || at_ == text_.size() || text_[at_] != '=') return malformed();
      at_++;
      while (at_ < text_.size() && is_space(text_[at_])) at_++;
      MERGANSER_ASSIGN(const std::string value, read_value());
      if (!known(name)) {
        return make_error(ErrorCode::kInvalidParameterValue,
                          "unknown key \"" + name + "\" in the hint before a statement", {}, names());
      }
      MERGANSER_TRY(assign_write_hint(hints, name, value));
    }
  }

 private:
  static bool known(std::string_view name) { return is_write_setting("merganser." + lowered(bare(lowered(name)))); }
  static std::string names() {
    std::string all = "Known are";
    for (const auto& [name, value] : kSettings) all += (all.back() == 'e' ? " " : ", ") + std::string(bare(name));
    return all + ".";
  }
  static Error malformed() {
    return make_error(ErrorCode::kInvalidParameterValue, "the hint before a statement cannot be read", {},
                      "Write /*+ key='value' other='value' */; " + names());
  }

  Result<std::string> read_value() {
    std::string value;
    if (at_ < text_.size() && text_[at_] == '\'') {
      for (at_++; at_ < text_.size(); at_++) {
        if (text_[at_] == '\'') {
          if (at_ + 1 >= text_.size() || text_[at_ + 1] != '\'') {
            at_++;
            return value;
          }
          at_++;
        }
        value += text_[at_];
      }
      return malformed();
    }
    while (at_ < text_.size() && is_plain(text_[at_])) value += text_[at_++];
    if (value.empty()) return malformed();
    return value;
  }

  std::string_view text_;
  size_t at_ = 0;
};

template <typename T>
Status merge(std::optional<T>& to, const std::optional<T>& from, std::string_view name) {
  if (!from) return {};
  if (to && *to != *from) {
    return make_error(ErrorCode::kInvalidParameterValue,
                      "the statements of one unit have different values of " + std::string(name), {},
                      "They are executed together; send them apart, with a Sync between.");
  }
  to = from;
  return {};
}

Status merge_all(WriteHints& to, const WriteHints& from) {
  MERGANSER_TRY(merge(to.priority, from.priority, "priority"));
  MERGANSER_TRY(merge(to.dedup, from.dedup, "dedup"));
  MERGANSER_TRY(merge(to.deadline, from.deadline, "deadline_ms"));
  MERGANSER_TRY(merge(to.debounce, from.debounce, "debounce_ms"));
  MERGANSER_TRY(merge(to.order_key, from.order_key, "order_key"));
  MERGANSER_TRY(merge(to.dedup_key, from.dedup_key, "dedup_key"));
  MERGANSER_TRY(merge(to.idempotency_key, from.idempotency_key, "idempotency_key"));
  return merge(to.version_column, from.version_column, "version_column");
}

// The first that says something; what nobody says is the default.
template <typename T>
void choose(T& to, const std::optional<T>& hint, const std::optional<T>& setting) {
  if (hint) {
    to = *hint;
  } else if (setting) {
    to = *setting;
  }
}

}  // namespace

bool is_write_setting(std::string_view name) {
  return std::any_of(kSettings.begin(), kSettings.end(), [&](const auto& setting) { return setting.first == name; });
}

std::span<const std::pair<std::string_view, std::string_view>> write_settings() {
  return kSettings;
}

bool is_single_use(std::string_view name) {
  return name == "merganser.idempotency_key" || name == "merganser.dedup_key";
}

Result<std::string> assign_write_hint(WriteHints& hints, std::string_view full_name, const std::string& value) {
  const std::string_view name = bare(full_name);
  if (name == "priority") {
    return assign_word<Priority>(
        hints.priority, name, value,
        {{"control", Priority::kControl}, {"interactive", Priority::kInteractive}, {"bulk", Priority::kBulk}});
  }
  if (name == "dedup") {
    return assign_word<DedupMode>(hints.dedup, name, value,
                                  {{"join", DedupMode::kJoin},
                                   {"skip", DedupMode::kSkip},
                                   {"latest", DedupMode::kLatest},
                                   {"off", DedupMode::kNone}});
  }
  if (name == "deadline_ms") return assign_span(hints.deadline, name, value, kMaxDeadline);
  if (name == "debounce_ms") {
    if (lowered(value) == "on") return assign_write_hint(hints, name, std::to_string(kDefaultDebounce.count()));
    return assign_span(hints.debounce, name, lowered(value) == "off" ? "0" : value, kMaxDebounce);
  }
  if (name == "order_key") return assign_text(hints.order_key, name, value, kMaxKey);
  if (name == "dedup_key") return assign_text(hints.dedup_key, name, value, kMaxKey);
  if (name == "idempotency_key") return assign_text(hints.idempotency_key, name, value, kMaxId);
  return assign_text(hints.version_column, name, value, kMaxColumn);
}

Result<HintsPtr> parse_write_hints(std::string_view before) {
  if (before.find("/*+") == std::string_view::npos) return HintsPtr();
  HintReader reader(hint_comment(before));
  if (!reader.names_ours()) return HintsPtr();
  MERGANSER_ASSIGN(WriteHints hints, reader.read());
  return HintsPtr(std::make_shared<const WriteHints>(std::move(hints)));
}

Result<WriteOptions> resolve_write_options(const WriteHints& settings,
                                           std::span<const coordinator::Statement> statements) {
  WriteHints hints;
  for (const coordinator::Statement& statement : statements) {
    if (statement.hints) MERGANSER_TRY(merge_all(hints, *statement.hints));
  }
  WriteOptions options;
  choose(options.priority, hints.priority, settings.priority);
  choose(options.order_key, hints.order_key, settings.order_key);
  choose(options.dedup_key, hints.dedup_key, settings.dedup_key);
  choose(options.idempotency_key, hints.idempotency_key, settings.idempotency_key);
  choose(options.version_column, hints.version_column, settings.version_column);
  std::chrono::milliseconds deadline{0};
  choose(deadline, hints.deadline, settings.deadline);
  if (deadline.count() > 0) options.deadline = Deadline::in(deadline);
  if (options.dedup_key.empty()) return options;
  options.dedup = DedupMode::kJoin;
  choose(options.dedup, hints.dedup, settings.dedup);
  if (options.dedup == DedupMode::kLatest) choose(options.debounce, hints.debounce, settings.debounce);
  return options;
}

}  // namespace merganser::session
