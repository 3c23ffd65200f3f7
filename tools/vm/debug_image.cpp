#include "tools/vm/debug_image.hpp"

#include <algorithm>
#include <elf.h>

namespace sojourn::tools {

namespace {

constexpr std::string_view kLineSection = ".debug_line";
/// What a unit needs so that its rows, and the names of its files, can be read.
constexpr std::string_view kSections[] = {
    ".debug_abbrev", ".debug_info",        ".debug_line_str",
    ".debug_str",    ".debug_str_offsets", kLineSection,
};

const vm::Section* find_section(const vm::Module& module, std::string_view name, bool is_custom) {
    const auto found = std::ranges::find_if(module.sections, [&](const vm::Section& section) {
        return section.name == name && section.is_custom == is_custom;
    });
    return found == module.sections.end() ? nullptr : &*found;
}

/// What follows the name of a custom section, in front of which stands its length as a LEB128
/// number.
Bytes data_of(const vm::Module& module, const vm::Section& section) {
    const auto content = Bytes(module.bytes).subspan(section.offset, section.byte_count);
    const auto length_end = std::ranges::find_if(
        content, [](std::byte byte) { return (byte & std::byte{0x80}) == std::byte{0}; });
    const auto length_bytes = static_cast<std::size_t>(length_end - content.begin()) + 1;
    return content.subspan(length_bytes + section.name.size());
}

/// Of a file that could be neither loaded nor run.
Elf64_Ehdr file_header(std::size_t section_headers_at, std::size_t section_count) {
    Elf64_Ehdr header{};
    std::copy_n(ELFMAG, SELFMAG, header.e_ident);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_version = EV_CURRENT;
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_shoff = section_headers_at;
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = static_cast<Elf64_Half>(section_count);
    header.e_shstrndx = static_cast<Elf64_Half>(section_count - 1);
    return header;
}

/// Contents, headers and names of the sections, until they are put together.
class ImageBuilder {
public:
    void add(std::string_view name, Elf64_Word type, Bytes content) {
        Elf64_Shdr header{};
        header.sh_name = static_cast<Elf64_Word>(names_.size());
        header.sh_type = type;
        header.sh_offset = sizeof(Elf64_Ehdr) + contents_.size();
        header.sh_size = content.size();
        header.sh_addralign = 1;
        headers_.push_back(header);
        names_.append(name).push_back('\0');
        contents_.insert(contents_.end(), content.begin(), content.end());
    }

    /// With the names as the last section.
    ByteVector finish() {
        constexpr std::string_view kOwnName = ".shstrtab";
        const std::string names = names_ + std::string(kOwnName) + '\0';
        add(kOwnName, SHT_STRTAB, as_bytes(names));
        contents_.resize((contents_.size() + 7) / 8 * 8);  // the headers are aligned
        ByteWriter image;
        image.put(file_header(sizeof(Elf64_Ehdr) + contents_.size(), headers_.size()));
        image.put_bytes(contents_);
        image.put_bytes(std::as_bytes(std::span(headers_)));
        return image.take();
    }

private:
    std::vector<Elf64_Shdr> headers_ = {{}};  ///< the first is that of no section
    std::string names_ = std::string(1, '\0');
    ByteVector contents_;
};

}  // namespace

bool has_source_lines(const vm::Module& module) {
    return find_section(module, kLineSection, /*is_custom=*/true) != nullptr;
}

ByteVector debug_image(const vm::Module& module) {
    ImageBuilder image;
    for (const std::string_view name : kSections) {
        const vm::Section* section = find_section(module, name, /*is_custom=*/true);
        if (section == nullptr) continue;
        image.add(name, SHT_PROGBITS, data_of(module, *section));
    }
    return image.finish();
}

std::uint64_t debug_address(const vm::Module& module, std::uint32_t code_offset) {
    const vm::Section* code = find_section(module, "code", /*is_custom=*/false);
    EXPECTS(code != nullptr && code_offset >= code->offset, "code lies in the code section");
    return code_offset - code->offset;
}

}  // namespace sojourn::tools
