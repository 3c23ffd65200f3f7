#include "vm/compiler_identity.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.hpp"

namespace sojourn::vm {

namespace {

/// Of what is kept, and of what it expects of the machine, where the compiler's build does not
/// tell.
constexpr std::uint32_t kFormat = 1;

constexpr std::array<std::string_view, 11> kProcessorKeys{
    "vendor_id",       "cpu family",       "model",       "stepping", "flags",       "Features",
    "CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision"};

/// Program headers and notes stand at a file's beginning.
constexpr std::size_t kBeginningBytes = 4096;

Result<ByteVector> beginning_of(const std::filesystem::path& path) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return fail_errno(errno, "cannot open {}", path.native());
    ByteVector bytes(kBeginningBytes);
    const ssize_t got = ::read(file.get(), bytes.data(), bytes.size());
    if (got < 0) return fail_errno(errno, "cannot read {}", path.native());
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
}

/// Empty: it is not among these notes.
Result<Bytes> build_id_in(Bytes notes) {
    ByteReader reader(notes, "a note");
    while (reader.left() >= sizeof(Elf64_Nhdr)) {
        const auto header = TRY(reader.get<Elf64_Nhdr>());
        const Bytes name = TRY(reader.get_bytes((header.n_namesz + 3U) & ~3U));
        const Bytes content = TRY(reader.get_bytes((header.n_descsz + 3U) & ~3U));
        if (header.n_type == NT_GNU_BUILD_ID && as_text(name).starts_with("GNU")) return content;
    }
    return Bytes();
}

/// What the linker made of all that is in the file.
Result<ByteVector> build_id_of(const std::filesystem::path& path) {
    const ByteVector bytes = TRY(beginning_of(path));
    ByteReader whole(bytes, path.native());
    const auto header = TRY(whole.get<Elf64_Ehdr>());
    const auto part = [&](std::uint64_t offset, std::uint64_t size) -> Result<Bytes> {
        ByteReader reader(bytes, path.native());
        TRY(reader.get_bytes(offset));
        return reader.get_bytes(size);
    };
    ByteReader programs(
        TRY(part(header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr))),
        path.native());
    while (programs.left() > 0) {
        const auto program = TRY(programs.get<Elf64_Phdr>());
        if (program.p_type != PT_NOTE) continue;
        const Bytes notes = TRY(part(program.p_offset, program.p_filesz));
        const Bytes id = TRY(build_id_in(notes));
        if (!id.empty()) return ByteVector(id.begin(), id.end());
    }
    return fail(ErrorCode::unsupported, "{} does not say which build it is", path.native());
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::string processor_identity(std::string_view cpuinfo) {
    std::string identity;
    while (!cpuinfo.empty()) {
        const std::string_view line = cpuinfo.substr(0, cpuinfo.find('\n'));
        if (line.empty()) break;  // the next is of another one
        cpuinfo.remove_prefix(std::min(line.size() + 1, cpuinfo.size()));
        const std::string_view key = trimmed(line.substr(0, line.find(':')));
        if (std::ranges::find(kProcessorKeys, key) == kProcessorKeys.end()) continue;
        identity += fmt::format("{}\n", line);
    }
    return identity;
}

Result<Sha256> compiler_identity(const std::filesystem::path& compiler) {
    const ByteVector cpuinfo = TRY(read_file("/proc/cpuinfo"));
    ByteWriter writer;
    writer.put(kFormat);
    writer.put_sized(TRY(build_id_of(compiler)));
    writer.put_sized(processor_identity(as_text(cpuinfo)));
    return sha256_of(writer.view());
}

}  // namespace sojourn::vm
