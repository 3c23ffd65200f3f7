#pragma once

#include "store/store.hpp"

namespace sojourn::store {

/// Opens the store in the directory `location`, or the checkpoint store that it leaves its
/// processes to; notes one that is asked for. With `mem:` there is nothing to note, and nothing
/// but memory for heaps. As Store::open().
Result<std::unique_ptr<Store>> open_arranged(const std::string& location,
                                             const OpenOptions& options, Random& random);

}  // namespace sojourn::store
