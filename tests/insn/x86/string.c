/* SPDX-License-Identifier: MIT */
/* String instructions with prefixes that the walk does not give them. */
#include "native.h"

#define STR(n, code) { n, code, "p6 p7 n1", ANY_ADDRESS, F_NONE, 0 }
/* After a fault the SDM has the flags from before, the APM those so far. */
#define CMP(n, code) { n, code, "p6 p7 n1", ANY_ADDRESS | EARLY, F_NONE, 0 }
#define CMP64(n, code) { n, code, "p6 p7 n1", ANY_ADDRESS | EARLY, F_NONE, 64 }
#define STR64(n, code) { n, code, "p6 p7 n1", ANY_ADDRESS, F_NONE, 64 }
#define STR32(n, code) { n, code, "p6 p7 n1", ANY_ADDRESS, F_NONE, 32 }

const NativeRow string_cases[] = {
    STR("rep movsb", "f3a4"), STR("rep movsw", "66f3a5"),
    STR("rep movsd", "f3a5"), STR64("rep movsq", "f348a5"),
    STR("repne movsb", "f2a4"), STR("movsb", "a4"),
    STR64("rep movsb a32", "67f3a4"), STR64("rep movsq a32", "67f348a5"),
    STR("rep stosb", "f3aa"), STR("rep stosw", "66f3ab"),
    STR("rep stosd", "f3ab"), STR64("rep stosq", "f348ab"),
    STR64("rep stosd a32", "67f3ab"), STR32("rep stosb a16", "67f3aa"),
    STR("rep lodsb", "f3ac"), STR("rep lodsd", "f3ad"),
    STR64("rep lodsq", "f348ad"), STR64("rep lodsd a32", "67f3ad"),
    CMP("repe cmpsb", "f3a6"), CMP("repne cmpsb", "f2a6"),
    CMP("repe cmpsd", "f3a7"), CMP("repne cmpsw", "66f2a7"),
    CMP64("repne cmpsq", "f248a7"), CMP64("repe cmpsb a32", "67f3a6"),
    CMP("repe scasb", "f3ae"), CMP("repne scasb", "f2ae"),
    CMP("repe scasd", "f3af"), CMP("repne scasw", "66f2af"),
    CMP64("repne scasq", "f248af"), CMP64("repne scasb a32", "67f2ae"),
    STR("rep insb", "f36c"), STR("rep outsd", "f36f"),
    STR32("ss lodsd", "36ad"), STR32("rep movsb a16", "67f3a4"),
    { 0 }
};
