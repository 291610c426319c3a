/* SPDX-License-Identifier: MIT */
/* Forms of the late bit instructions that the walk does not make. */
#include "native.h"

#define BMI(n, code, f) { n, code, "", 0, f, 0 }
#define BMI64(n, code, f) { n, code, "", 0, f, 64 }

const NativeRow bmi_cases[] = {
    BMI("mulx eax,eax,ecx", "c4e27bf6c1", F_BMI2),
    BMI64("mulx rdx,rdx,rdx", "c4e2ebf6d2", F_BMI2),
    BMI("adcx with 66 twice", "66660f38f6c1", F_ADX),
    BMI("adox with 66", "66f30f38f6c1", F_ADX),
    BMI("crc32 of ah", "f20f38f0cc", F_SSE42),
    BMI("andn with vl", "c4e274f2c2", F_BMI1),
    { "bextr of vvvv", "c4e270f7c1", "", FL_AF | FL_PF | FL_SF, F_BMI1, 0 },
    { 0 }
};
