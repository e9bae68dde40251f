import { readFile } from "node:fs/promises";

/** What Linux counts process time in, wherever its user interface is concerned: USER_HZ is 100 on every architecture that we run on. */
const TICKS_PER_SECOND = 100;
const KIBIBYTES_PER_MEBIBYTE = 1024;

/** Time of all threads in user and kernel mode. Source: proc_pid_stat(5), fields 14 and 15. */
export async function cpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1");
  const afterName = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(afterName[11]) + Number(afterName[12])) / TICKS_PER_SECOND;
}

/** Memory that is really in use. Source: proc_pid_status(5), VmRSS. */
export async function residentMebibytes(pid: number): Promise<number> {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "latin1"));
  if (found === null) throw new Error(`process ${pid} has no VmRSS`);
  return Number(found[1]) / KIBIBYTES_PER_MEBIBYTE;
}
