#pragma once

#include "store/family.hpp"

namespace sojourn::store {

/// Calls `visit`, in key order, with each unit, encoded, that checkpoint `to` of a family sees
/// otherwise than checkpoint `from`; with zeros for one that only `from` has. It stops at the first
/// error `visit` returns. What both have from the same version costs next to nothing.
/// Requires: the family is one of a store's own. Errors besides: not_found, corrupt, io.
Result<void> for_each_difference(
    const Family& family, Version from, Version to,
    const std::function<Result<void>(UnitKey key, Bytes value)>& visit);

}  // namespace sojourn::store
