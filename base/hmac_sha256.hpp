#pragma once

#include <initializer_list>

#include "base/sha256.hpp"

namespace sojourn {

/// What only who has the key can make of a message (RFC 2104), which is the parts in their order:
/// where one ends must follow from the parts themselves. Requires: a key of at most 64 bytes.
Sha256 hmac_sha256(Bytes key, std::initializer_list<Bytes> message);

/// Whether they are the same, in a time that does not tell where they differ.
bool is_same_mac(Bytes one, Bytes other);

}  // namespace sojourn
