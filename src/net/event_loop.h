// The thread on which sessions live: tasks, timers, sockets.
//
// Threads: post() and stop() from any; the rest on the loop's thread, which is the one that calls run().
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "session/services.h"

namespace merganser::net {

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void post(std::function<void()> task);
  std::unique_ptr<session::Timer> timer(Duration after, std::function<void()> callback);
  // Until stop().
  void run();
  void stop();

  struct Impl;  // holds the io_context, so that Asio stays in this room
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace merganser::net
