#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "vm/exec/code_names.hpp"

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
    using Symbols = std::map<std::string, Bytes, std::less<>>;

    CodeSpace() = default;
    /// From now on it tells perf and debuggers whose code lies where. Requires: it is empty.
    void tell_names() { names_.emplace(); }
    ~CodeSpace();
    CodeSpace(const CodeSpace&) = delete;
    CodeSpace& operator=(const CodeSpace&) = delete;

    /// The code of the functions that the object shows to others, by name. `whose` it is only
    /// people are told. Errors: corrupt; unsupported when it needs what is not had here;
    /// out_of_memory.
    Result<Symbols> load(Bytes object, const std::string& whose = "");

private:
    std::mutex mutex_;
    std::vector<MutableBytes> mappings_;
    std::optional<CodeNames> names_;  ///< nullopt: nobody is told
};

}  // namespace sojourn::vm
