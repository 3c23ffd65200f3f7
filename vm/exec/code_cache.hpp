#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "vm/wasm/module.hpp"

namespace sojourn::vm {

/// Objects that compilers made in this or another host process, by module and by where they begin
/// in it: a function's body, or a loop. It gives back only what is to be executed here.
///
/// Usable from any thread, also by the guest's: it waits for nothing long.
class CodeCache {
public:
    virtual ~CodeCache() = default;

    /// Whether find() may have it.
    virtual bool has(const Module& module, std::uint32_t begin) = 0;
    virtual std::optional<ByteVector> find(const Module& module, std::uint32_t begin) = 0;
    virtual void keep(const Module& module, std::uint32_t begin, ByteVector object) = 0;
    /// Waits until what was kept before is where others find it. Errors: io, store_full.
    virtual Result<void> flush() = 0;
};

}  // namespace sojourn::vm
