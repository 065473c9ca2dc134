/** A picture, with a progress bar: node dist/examples/generate.js "a red fox in the snow" fox.png */
import { Client, JobFailed, progressBar } from "../src/index.js";

const [prompt = "a red fox in the snow", target = "fox.png"] = process.argv.slice(2);
const service = new Client();
const bar = progressBar("Painting");
try {
  const job = await service.generate({ prompt }, bar);
  bar.close();
  for (const file of await service.save(job, target)) console.log(file);
} catch (failure) {
  bar.close();
  if (!(failure instanceof JobFailed)) throw failure;
  console.error(failure.message);
  process.exitCode = 1;
}
