#include <stdio.h>
#include "target/target.h"
const Target *target_find(const char*);
int main(void){ const Target *t=target_find("aarch64"); for(int i=0;t->gdb_xml[i][0];i++){ FILE*f=fopen(t->gdb_xml[i][0],"w"); fputs(t->gdb_xml[i][1],f); fclose(f);} FILE*f=fopen("target.xml","w"); fputs("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target><architecture>aarch64</architecture><xi:include href=\"aarch64-core.xml\"/><xi:include href=\"aarch64-fpu.xml\"/></target>",f); fclose(f); }
