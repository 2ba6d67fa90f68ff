#include "engine/flight.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "os/process.h"

namespace merganser::engine {
namespace {

constexpr uint64_t kMagic = 0x31544c4652474dULL;  // "MGRFLT1"
constexpr size_t kSlots = 256;                    // statements at once; more are not watched
constexpr size_t kSuspects = 64;                  // statements that were there at a death; the oldest goes first
constexpr uint32_t kDeathsToRefuse = 2;
constexpr std::chrono::hours kMemory{24};  // of a death

int64_t now_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// A fast digest for telling statements apart; nobody gains from making two alike.
class Mixer {
 public:
  explicit Mixer(uint64_t seed) : a_(seed ^ 0x9E3779B97F4A7C15ULL), b_(~seed * 0xC2B2AE3D27D4EB4FULL) {}

  void word(uint64_t value) {
    a_ = std::rotl((a_ ^ value) * 0x9FB21C651E98DF25ULL, 29);
    b_ = std::rotl((b_ + value) * 0xD6E8FEB86659FD93ULL, 37) ^ a_;
  }
  void bytes(std::string_view text) {
    word(text.size());
    while (!text.empty()) {
      uint64_t value = 0;
      const size_t taken = std::min<size_t>(sizeof value, text.size());
      std::memcpy(&value, text.data(), taken);
      word(value);
      text.remove_prefix(taken);
    }
  }
  Flight::Digest digest() const {
    const auto last = [](uint64_t x) {
      x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93ULL;
      return x ^ (x >> 29);
    };
    // Zeros mean an empty place.
    return {last(a_) | 1, last(b_)};
  }

 private:
  uint64_t a_;
  uint64_t b_;
};

struct ValueMixer {
  Mixer& out;
  void operator()(std::monostate) const {}
  void operator()(bool flag) const { out.word(flag ? 1 : 0); }
  void operator()(int64_t number) const { out.word(static_cast<uint64_t>(number)); }
  void operator()(uint64_t number) const { out.word(number); }
  void operator()(double number) const { out.word(std::bit_cast<uint64_t>(number)); }
  void operator()(const Hugeint& number) const {
    out.word(number.lower);
    out.word(static_cast<uint64_t>(number.upper));
  }
  void operator()(const UHugeint& number) const {
    out.word(number.lower);
    out.word(number.upper);
  }
  void operator()(const Decimal& number) const {
    out.word(number.scale);
    (*this)(number.value);
  }
  void operator()(const Interval& span) const {
    out.word(static_cast<uint64_t>(span.months) << 32 | static_cast<uint32_t>(span.days));
    out.word(static_cast<uint64_t>(span.micros));
  }
  void operator()(const std::string& text) const { out.bytes(text); }
};

Error refused_statement() {
  return make_error(
      ErrorCode::kStatementEndedOwner,
      "this statement is refused: the owner of the file died twice while it was running", {},
      "Change it, and please report it. It is allowed again after 24 hours, after the machine was started "
      "anew, or when FILE.flight is removed while no owner runs.");
}

}  // namespace

struct Flight::Pages {
  uint64_t magic;
  char boot[56];
  struct Slot {
    std::atomic<uint64_t> first;  // 0: free
    std::atomic<uint64_t> second;
  };
  Slot slots[kSlots];
  struct Suspect {
    Digest digest;
    int64_t last_death_s;
    uint32_t deaths;  // 0: free
    uint32_t unused;
  };
  Suspect suspects[kSuspects];
};

Flight::Digest Flight::of(const Digest& text, const std::vector<Value>& values) {
  Mixer mixer(1);
  mixer.word(text[0]);
  mixer.word(text[1]);
  for (const Value& value : values) {
    mixer.word(static_cast<uint64_t>(value.type) << 8 | value.data.index());
    std::visit(ValueMixer{mixer}, value.data);
  }
  return mixer.digest();
}

Flight::Digest Flight::of_text(std::string_view text) {
  Mixer mixer(2);
  mixer.bytes(text);
  return mixer.digest();
}

Result<std::unique_ptr<Flight>> Flight::open(const std::string& database_file) {
  const std::string path = database_file + ".flight";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return errno_error(errno, "cannot open " + path);
  struct stat info {};
  ::fstat(fd, &info);
  // Allocated now: a write into a hole on a full disk would end the process.
  const bool large_enough = info.st_size >= static_cast<off_t>(sizeof(Pages));
  const int failed = large_enough ? 0 : ::posix_fallocate(fd, 0, sizeof(Pages));
  void* memory = failed == 0 ? ::mmap(nullptr, sizeof(Pages), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
  const int error = failed != 0 ? failed : errno;
  ::close(fd);
  if (memory == MAP_FAILED) return errno_error(error, "cannot use " + path);
  std::unique_ptr<Flight> flight(new Flight(static_cast<Pages*>(memory)));
  flight->recover();
  return flight;
}

Flight::~Flight() {
  ::munmap(pages_, sizeof(Pages));
}

void Flight::recover() {
  const std::string boot = os::boot_id().substr(0, sizeof pages_->boot - 1);
  if (pages_->magic != kMagic || boot != std::string(pages_->boot, strnlen(pages_->boot, sizeof pages_->boot))) {
    std::memset(static_cast<void*>(pages_), 0, sizeof(Pages));
    std::memcpy(pages_->boot, boot.data(), boot.size());
    pages_->magic = kMagic;
    return;
  }
  const int64_t oldest = now_s() - std::chrono::seconds(kMemory).count();
  for (Pages::Suspect& suspect : pages_->suspects) {
    if (suspect.deaths > 0 && suspect.last_death_s >= oldest) {
      suspects_++;
    } else {
      suspect = {};
    }
  }
  for (Pages::Slot& slot : pages_->slots) {
    const Digest digest{slot.first.load(), slot.second.load()};
    slot.first = 0;
    if (digest[0] != 0) add_death(digest);
  }
}

void Flight::add_death(const Digest& digest) {
  const std::lock_guard lock(mutex_);
  auto* place = std::begin(pages_->suspects);
  for (Pages::Suspect& suspect : pages_->suspects) {
    if (suspect.deaths > 0 && suspect.digest == digest) {
      place = &suspect;
      break;
    }
    if (suspect.last_death_s < place->last_death_s) place = &suspect;
  }
  if (place->deaths == 0 || place->digest != digest) {
    if (place->deaths == 0) suspects_++;
    *place = {digest, 0, 0, 0};
  }
  place->deaths++;
  place->last_death_s = now_s();
  log(LogLevel::kWarn, "engine.statement_ended_owner",
      {{"deaths", place->deaths}, {"refused", place->deaths >= kDeathsToRefuse ? "yes" : "not yet"}});
}

bool Flight::is_refused(const Digest& digest) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(std::begin(pages_->suspects), std::end(pages_->suspects), [&](const Pages::Suspect& suspect) {
    return suspect.deaths >= kDeathsToRefuse && suspect.digest == digest;
  });
}

bool Flight::suspected(const Digest& digest) const {
  if (suspects_.load(std::memory_order_relaxed) == 0) return false;
  const std::lock_guard lock(mutex_);
  return std::any_of(std::begin(pages_->suspects), std::end(pages_->suspects),
                     [&](const Pages::Suspect& suspect) { return suspect.deaths > 0 && suspect.digest == digest; });
}

void Flight::clear(const Digest& digest) {
  const std::lock_guard lock(mutex_);
  for (Pages::Suspect& suspect : pages_->suspects) {
    if (suspect.deaths == 0 || suspect.digest != digest) continue;
    suspect = {};
    suspects_--;
  }
}

size_t Flight::refused() const {
  const std::lock_guard lock(mutex_);
  return static_cast<size_t>(
      std::count_if(std::begin(pages_->suspects), std::end(pages_->suspects),
                    [](const Pages::Suspect& suspect) { return suspect.deaths >= kDeathsToRefuse; }));
}

Result<Flight::Entry> Flight::take_off(const Digest& digest) {
  if (suspects_.load(std::memory_order_relaxed) > 0 && is_refused(digest)) return refused_statement();
  const size_t start = digest[1] % kSlots;
  for (size_t i = 0; i < kSlots; i++) {
    const size_t slot = (start + i) % kSlots;
    uint64_t free = 0;
    if (!pages_->slots[slot].first.compare_exchange_strong(free, digest[0])) continue;
    pages_->slots[slot].second = digest[1];
    return Entry(this, slot);
  }
  return Entry();
}

void Flight::Entry::land(bool whole) {
  if (flight_ == nullptr) return;
  Pages::Slot& slot = flight_->pages_->slots[slot_];
  if (whole && flight_->suspects_.load(std::memory_order_relaxed) > 0) {
    flight_->clear({slot.first.load(), slot.second.load()});
  }
  slot.first = 0;
  flight_ = nullptr;
}

void Flight::Entry::blame() {
  if (flight_ == nullptr) return;
  const Pages::Slot& slot = flight_->pages_->slots[slot_];
  flight_->add_death({slot.first.load(), slot.second.load()});
  land(false);
}

}  // namespace merganser::engine
