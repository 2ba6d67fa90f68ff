#include "session/cursor.h"

#include <algorithm>

namespace merganser::session {

using engine::FetchDirection;

Status CursorSink::begin(const engine::Columns& columns, std::string& out) {
  columns_ = columns;
  return target_->begin(columns, out);
}

Status CursorSink::retarget(std::shared_ptr<RowSink> target, const std::string& format, bool stored) {
  if (stored && format != format_) {
    return make_error(ErrorCode::kFeatureNotSupported,
                      "the cursor's rows are in temporary storage, in another format than this FETCH asks for", {},
                      "Fetch all of its rows as text or all as binary, beginning before other statements.");
  }
  std::string nothing;
  MERGANSER_TRY(target->begin(columns_, nothing));
  target_ = std::move(target);
  format_ = format;
  return {};
}

namespace {

uint64_t clamp(int64_t row, uint64_t rows) {
  return row <= 0 ? 0 : std::min(static_cast<uint64_t>(row), rows + 1);
}

}  // namespace

FetchPlan plan_fetch(const engine::SessionCommand& command, uint64_t position, uint64_t rows) {
  const auto one = [&](int64_t row) {
    FetchPlan plan;
    plan.position = clamp(row, rows);
    plan.first = plan.position;
    plan.rows = plan.position >= 1 && plan.position <= rows ? 1 : 0;
    return plan;
  };
  const auto at = static_cast<int64_t>(position);
  const auto last = static_cast<int64_t>(rows);
  switch (command.direction) {
    case FetchDirection::kAbsolute:
      return one(command.count >= 0 ? command.count : last + 1 + command.count);
    case FetchDirection::kRelative:
      return one(at + command.count);
    default:
      break;
  }
  if (command.count == 0) return one(at);
  const bool backward = (command.direction == FetchDirection::kBackward) != (command.count < 0);
  const auto wanted = static_cast<uint64_t>(std::abs(command.count));
  FetchPlan plan;
  plan.backward = backward;
  const uint64_t there = backward ? (position == 0 ? 0 : position - 1) : rows - std::min(rows, position);
  plan.rows = std::min(wanted, there);
  plan.first = backward ? position - std::min<uint64_t>(position, 1) : position + 1;
  if (plan.rows < wanted) {
    plan.position = backward ? 0 : rows + 1;
  } else {
    plan.position = backward ? position - plan.rows : position + plan.rows;
  }
  return plan;
}

Result<ForwardPlan> plan_forward(const engine::SessionCommand& command, uint64_t position) {
  const Error back = make_error(ErrorCode::kObjectNotInState, "cursor can only scan forward", {},
                                "Declare it with SCROLL option to enable backward scan.");
  const auto at = static_cast<int64_t>(position);
  switch (command.direction) {
    case FetchDirection::kForward:
      if (command.count <= 0) return back;
      return ForwardPlan{0, command.count == engine::kFetchAll ? UINT64_MAX : static_cast<uint64_t>(command.count)};
    case FetchDirection::kAbsolute:
      if (command.count <= at) return back;
      return ForwardPlan{static_cast<uint64_t>(command.count - at - 1), 1};
    case FetchDirection::kRelative:
      if (command.count <= 0) return back;
      return ForwardPlan{static_cast<uint64_t>(command.count - 1), 1};
    default:
      if (command.count >= 0) return back;
      return ForwardPlan{0, static_cast<uint64_t>(-command.count)};
  }
}

}  // namespace merganser::session
