#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace sojourn::vm {

/// Machine code in this host process, loaded from objects that a compiler made.
///
/// An object is a relocatable ELF file for this processor. It may refer to itself, by distance, and
/// to functions of this host process, by name: so it can be loaded wherever there is room. Its
/// memory is written first and executable from then on, never both at once.
///
/// Usable from any thread. What was loaded stays until this goes.
class CodeSpace {
public:
    using Symbols = std::map<std::string, const void*, std::less<>>;

    CodeSpace() = default;
    ~CodeSpace();
    CodeSpace(const CodeSpace&) = delete;
    CodeSpace& operator=(const CodeSpace&) = delete;

    /// Where the functions are that the object shows to others, by name. Errors: corrupt;
    /// unsupported when it needs what is not had here; out_of_memory.
    Result<Symbols> load(Bytes object);

private:
    std::mutex mutex_;
    std::vector<MutableBytes> mappings_;
};

}  // namespace sojourn::vm
