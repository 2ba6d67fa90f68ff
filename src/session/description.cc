#include "session/description.h"

#include "engine/sql_tokens.h"

namespace merganser::session {

DescriptionPtr DescriptionCache::find(std::string_view sql, const engine::SettingsPtr& settings,
                                      uint64_t ddl_generation) {
  if (ddl_generation != generation_) {
    index_.clear();
    order_.clear();
    text_bytes_ = 0;
    generation_ = ddl_generation;
  }
  const auto it = index_.find(sql);
  if (it == index_.end() || it->second->settings != settings) return nullptr;
  order_.splice(order_.begin(), order_, it->second);
  return it->second->description;
}

void DescriptionCache::keep(const engine::SettingsPtr& settings, uint64_t ddl_generation, DescriptionPtr description) {
  if (ddl_generation != generation_ || capacity_ == 0) return;
  const std::string_view sql = *description->sql;
  if (sql.size() > text_capacity_ / 8) return;  // one huge statement must not push out all others
  if (const auto it = index_.find(sql); it != index_.end()) drop(it->second);
  order_.push_front(Entry{settings, std::move(description)});
  index_[sql] = order_.begin();
  text_bytes_ += sql.size();
  while (order_.size() > capacity_ || text_bytes_ > text_capacity_) drop(std::prev(order_.end()));
}

void DescriptionCache::drop(Order::iterator entry) {
  const std::string& sql = *entry->description->sql;
  text_bytes_ -= sql.size();
  index_.erase(sql);
  order_.erase(entry);
}

std::string rewrite_parameters(std::string_view sql, const std::vector<ParameterRewrite>& rewrites,
                               std::vector<size_t>& kept) {
  kept.clear();
  std::vector<size_t> new_number(rewrites.size(), 0);
  for (size_t i = 0; i < rewrites.size(); i++) {
    if (rewrites[i].form != ParameterForm::kBound && rewrites[i].form != ParameterForm::kCast) continue;
    kept.push_back(i);
    new_number[i] = kept.size();
  }
  std::string out;
  size_t copied = 0;
  for (const engine::Token& token : engine::tokenize(sql)) {
    if (token.kind != engine::TokenKind::kParameter || token.text.size() < 2 || token.text.size() > 7) continue;
    size_t number = 0;
    for (const char c : token.text.substr(1))
      number = c >= '0' && c <= '9' ? number * 10 + static_cast<size_t>(c - '0') : SIZE_MAX / 20;
    if (number == 0 || number > rewrites.size()) continue;
    const ParameterRewrite& rewrite = rewrites[number - 1];
    out += sql.substr(copied, token.offset - copied);
    copied = token.offset + token.text.size();
    const std::string parameter = "$" + std::to_string(new_number[number - 1]);
    switch (rewrite.form) {
      case ParameterForm::kBound:
        out += parameter;
        break;
      case ParameterForm::kCast:
        out += "CAST(" + (rewrite.through_json ? "CAST(" + parameter + " AS JSON)" : parameter) + " AS " +
               rewrite.type_sql + ")";
        break;
      // A blank on both sides: `x$1` must not become part of a neighbouring word.
      case ParameterForm::kNull:
        out += rewrite.type_sql.empty() ? " NULL " : "CAST(NULL AS " + rewrite.type_sql + ")";
        break;
      case ParameterForm::kLiteral:
        out += " " + engine::quote_literal(rewrite.literal) + " ";
        break;
      case ParameterForm::kText:
        out += rewrite.literal;
        break;
    }
  }
  out += sql.substr(copied);
  return out;
}

engine::Columns named_as_sent(const engine::Columns& columns, const std::vector<ParameterRewrite>& rewrites) {
  auto renamed = std::make_shared<std::vector<engine::Column>>(*columns);
  for (engine::Column& column : *renamed) {
    for (size_t i = 0; i < rewrites.size(); i++) {
      if (rewrites[i].form != ParameterForm::kCast) continue;
      const std::string parameter = "$" + std::to_string(i + 1);
      const std::string ours = "CAST(" + parameter + " AS " + rewrites[i].type_sql + ")";
      for (size_t at = column.name.find(ours); at != std::string::npos; at = column.name.find(ours)) {
        column.name.replace(at, ours.size(), parameter);
      }
    }
  }
  return renamed;
}

}  // namespace merganser::session
