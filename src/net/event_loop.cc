#include "net/event_loop.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>

#include "base/awake.h"
#include "net/event_loop_impl.h"

namespace merganser::net {
namespace {

namespace asio = boost::asio;
using SteadyTimer =
    asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>, asio::io_context::executor_type>;

struct LoopTimer final : session::Timer {
  LoopTimer(asio::io_context& context, Duration after, std::function<void()> callback) : timer(context.get_executor()) {
    timer.expires_after(after);
    timer.async_wait(
        [alive = std::weak_ptr<bool>(alive_), callback = std::move(callback)](boost::system::error_code error) {
          // Destroying the timer cancels it, but a callback that was already due may still come.
          if (!error && !alive.expired()) callback();
        });
  }
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // before the timer, whose callback looks at it
  SteadyTimer timer;
};

}  // namespace

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::post(std::function<void()> task) {
  asio::post(impl_->context, std::move(task));
}

std::unique_ptr<session::Timer> EventLoop::timer(Duration after, std::function<void()> callback) {
  return std::make_unique<LoopTimer>(impl_->context, after, std::move(callback));
}

void EventLoop::run() {
  while (!impl_->context.stopped()) {
    // After each round of work, look for more before sleeping in run_one().
    while (stay_awake_for([this] { return impl_->context.poll() > 0; })) {
    }
    impl_->context.run_one();
  }
}

void EventLoop::stop() {
  impl_->context.stop();
}

}  // namespace merganser::net
