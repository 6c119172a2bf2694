// Lists that show nothing: what they hold is made from the rows, and is tested elsewhere.
#pragma once

#include "persistence/store/views.hpp"

namespace troupe::test {

class no_views final : public views {
public:
  void apply(partition_id, std::uint64_t, std::vector<view_change>) override {}
  std::uint64_t applied(partition_id) const override { return 0; }
  void query(view_query, std::vector<position>, std::chrono::milliseconds,
             page_ready ready) override {
    ready(view_page{});
  }
  std::size_t lag() const override { return 0; }
  void clear() override {}
  void sweep(partition_id, row_filter) override {}
  bool wait_for_room(std::size_t, std::chrono::milliseconds) override { return true; }
};

} // namespace troupe::test
