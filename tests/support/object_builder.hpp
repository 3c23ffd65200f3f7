#pragma once

#include <elf.h>
#include <vector>

#include "base/bytes.hpp"

namespace sojourn::tests {

/// An object as compilers write it, with one section of code and one of numbers that it reads, made
/// by hand and checked by nobody.
class ObjectBuilder {
public:
    enum class Place : std::uint16_t { elsewhere = 0, code = 1, numbers = 2 };

    explicit ObjectBuilder(std::vector<std::uint8_t> code, std::vector<std::uint8_t> numbers = {})
        : code_(std::move(code)), numbers_(std::move(numbers)) {
        symbols_.push_back({});
    }

    /// Gives its index.
    std::uint32_t add_symbol(const std::string& name, Place place, std::uint64_t offset) {
        Elf64_Sym symbol{};
        symbol.st_name = static_cast<std::uint32_t>(names_.size());
        symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, place == Place::code ? STT_FUNC : STT_NOTYPE);
        symbol.st_shndx = static_cast<std::uint16_t>(place);
        symbol.st_value = offset;
        names_ += name + '\0';
        symbols_.push_back(symbol);
        return static_cast<std::uint32_t>(symbols_.size() - 1);
    }
    /// Of the code at `offset`.
    void add_relocation(std::uint64_t offset, std::uint32_t type, std::uint32_t symbol,
                        std::int64_t addend) {
        relocations_.push_back({offset, ELF64_R_INFO(std::uint64_t{symbol}, type), addend});
    }
    void set_machine(std::uint16_t machine) { machine_ = machine; }
    void set_numbers_flags(std::uint64_t flags) { numbers_flags_ = flags; }

    [[nodiscard]] ByteVector build() const {
        ByteVector file(sizeof(Elf64_Ehdr));
        std::vector<Elf64_Shdr> sections(1);
        const auto add = [&](std::uint32_t type, std::uint64_t flags, const auto& content,
                             std::uint32_t link, std::uint32_t info) {
            const Bytes bytes = std::as_bytes(std::span(content));
            file.resize((file.size() + 15) / 16 * 16);
            Elf64_Shdr section{};
            section.sh_type = type;
            section.sh_flags = flags;
            section.sh_offset = file.size();
            section.sh_size = bytes.size();
            section.sh_link = link;
            section.sh_info = info;
            section.sh_addralign = 16;
            sections.push_back(section);
            file.insert(file.end(), bytes.begin(), bytes.end());
        };
        add(SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, code_, 0, 0);
        add(SHT_PROGBITS, numbers_flags_, numbers_, 0, 0);
        add(SHT_RELA, 0, relocations_, 4, 1);
        add(SHT_SYMTAB, 0, symbols_, 5, 1);
        add(SHT_STRTAB, 0, names_, 0, 0);
        file.resize((file.size() + 15) / 16 * 16);

        Elf64_Ehdr header{};
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_type = ET_REL;
        header.e_machine = machine_;
        header.e_shoff = file.size();
        header.e_shentsize = sizeof(Elf64_Shdr);
        header.e_shnum = static_cast<std::uint16_t>(sections.size());
        std::memcpy(file.data(), &header, sizeof header);
        const Bytes table = std::as_bytes(std::span(sections));
        file.insert(file.end(), table.begin(), table.end());
        return file;
    }

private:
#if defined(__aarch64__)
    std::uint16_t machine_ = EM_AARCH64;
#else
    std::uint16_t machine_ = EM_X86_64;
#endif
    std::vector<std::uint8_t> code_;
    std::vector<std::uint8_t> numbers_;
    std::uint64_t numbers_flags_ = SHF_ALLOC;
    std::vector<Elf64_Sym> symbols_;
    std::string names_{'\0'};
    std::vector<Elf64_Rela> relocations_;
};

/// Code that puts `answer` into the first slot and returns, as CompiledEntry is called.
inline ByteVector answering_object(std::uint8_t answer) {
#if defined(__aarch64__)
    // mov x8, #answer; str x8, [x1]; ret
    const std::uint32_t move = 0xd2800008U | std::uint32_t{answer} << 5U;
    std::vector<std::uint8_t> code(4);
    std::memcpy(code.data(), &move, sizeof move);
    code.insert(code.end(), {0x28, 0x00, 0x00, 0xf9, 0xc0, 0x03, 0x5f, 0xd6});
#else
    // movq $answer, (%rsi); ret
    std::vector<std::uint8_t> code{0x48, 0xc7, 0x06, answer, 0, 0, 0, 0xc3};
#endif
    ObjectBuilder builder(std::move(code));
    builder.add_symbol("entry", ObjectBuilder::Place::code, 0);
    builder.add_symbol("body", ObjectBuilder::Place::code, 0);
    return builder.build();
}

}  // namespace sojourn::tests
