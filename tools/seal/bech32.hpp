#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.hpp"

namespace sojourn::seal {

/// The bytes behind `prefix` and a 1 in a Bech32 string (BIP 173, without its limit of length), all
/// of it in the case of `prefix`; nullopt for anything else.
std::optional<ByteVector> decode_bech32(std::string_view prefix, std::string_view text);

}  // namespace sojourn::seal
