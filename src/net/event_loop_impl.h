// Asio's part of the event loop, for this room's .cc files alone.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "net/event_loop.h"

namespace merganser::net {

struct EventLoop::Impl {
  // One thread runs it: Asio needs no locks inside.
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work = make_work_guard(context);
};

}  // namespace merganser::net
