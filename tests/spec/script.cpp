#include "tests/spec/script.hpp"

#include "base/file.hpp"

namespace sojourn::spec {

Result<Script> read_script(const std::filesystem::path& json) {
    const ByteVector raw = TRY(read_file(json));
    return Script{nlohmann::json::parse(as_text(raw)).at("commands"), json.parent_path()};
}

}  // namespace sojourn::spec
