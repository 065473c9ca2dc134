// What was used, as curves and tables. The key stays in this page and is gone when it is closed.

const COLORS = ["#0b62a4", "#d1495b", "#2e8b57", "#c77d0a", "#7b4fb5", "#1f9e9e", "#8a5a44", "#6b7280"];
const SECONDS = { hour: 3_600, day: 86_400 };

const seconds = (ms) => (ms === null ? null : ms / 1_000);

// "empty" is what is drawn where no job was.
const MEASURES = [
  { title: "Jobs", of: (row) => row.jobs, empty: 0 },
  { title: "Pictures", of: (row) => row.images, empty: 0 },
  { title: "GPU seconds", of: (row) => seconds(row.gpu_ms), empty: 0 },
  { title: "Cost", of: (row) => row.cost_micros / 1e6, empty: 0 },
  { title: "Seconds waited, median", of: (row) => seconds(row.queue_ms.p50), empty: null },
  { title: "Seconds run, median", of: (row) => seconds(row.execution_ms.p50), empty: null },
];

const element = (id) => document.getElementById(id);

function question() {
  const until = new Date(`${element("to").value}T00:00:00Z`);
  until.setUTCDate(until.getUTCDate() + 1);
  return new URLSearchParams({
    from: `${element("from").value}T00:00:00Z`,
    to: until.toISOString(),
    bucket: element("bucket").value,
    group_by: element("group_by").value,
  });
}

async function ask(path) {
  const key = element("key").value.trim();
  const answer = await fetch(path, key ? { headers: { Authorization: `Bearer ${key}` } } : {});
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail ?? `The service answered with ${answer.status}.`);
  }
  return answer;
}

// The name of a group; "" is that of jobs that have nothing of the kind.
const name = (row) => row.group ?? "";

function groupsOf(rows) {
  const jobs = new Map();
  for (const row of rows) {
    jobs.set(name(row), (jobs.get(name(row)) ?? 0) + row.jobs);
  }
  return [...jobs.keys()].sort((a, b) => jobs.get(b) - jobs.get(a)).slice(0, COLORS.length);
}

function timesOf(usage) {
  const times = new Set(usage.buckets.map((row) => Date.parse(row.start) / 1_000));
  const step = SECONDS[usage.bucket];
  if (step) {
    const first = Math.floor(Date.parse(usage.from) / 1_000 / step) * step;
    for (let time = first; time < Math.min(Date.parse(usage.to), Date.now()) / 1_000; time += step) {
      times.add(time);
    }
  }
  return [...times].sort((a, b) => a - b);
}

function draw(usage) {
  const groups = groupsOf(usage.buckets);
  const times = timesOf(usage);
  const rows = new Map(usage.buckets.map((row) => [`${Date.parse(row.start) / 1_000} ${name(row)}`, row]));
  element("plots").replaceChildren();
  for (const measure of MEASURES) {
    const place = document.createElement("div");
    element("plots").append(place);
    const curves = groups.map((group) =>
      times.map((time) => {
        const row = rows.get(`${time} ${group}`);
        return row ? measure.of(row) : measure.empty;
      }),
    );
    new uPlot(
      {
        title: measure.title === "Cost" ? `Cost in ${usage.currency}` : measure.title,
        width: 500,
        height: 220,
        tzDate: (time) => uPlot.tzDate(new Date(time * 1e3), "Etc/UTC"),
        series: [
          {},
          ...groups.map((group, i) => ({ label: group || "all", stroke: COLORS[i], width: 2, points: { size: 5 } })),
        ],
      },
      [times, ...curves],
      place,
    );
  }
}

function table(id, heads, lines) {
  const row = (tag, cells) => {
    const line = document.createElement("tr");
    for (const text of cells) {
      const cell = document.createElement(tag);
      cell.textContent = text ?? "";
      line.append(cell);
    }
    return line;
  };
  element(id).replaceChildren(row("th", heads), ...lines.map((cells) => row("td", cells)));
}

function list(usage, limits) {
  table(
    "figures",
    ["Start (UTC)", "Of", "Jobs", "Succeeded", "Failed", "Pictures", "GPU s", `Cost ${usage.currency}`],
    usage.buckets.map((row) => [
      row.start.slice(0, 16).replace("T", " "),
      name(row),
      row.jobs,
      row.succeeded,
      row.failed,
      row.images,
      seconds(row.gpu_ms).toFixed(1),
      (row.cost_micros / 1e6).toFixed(4),
    ]),
  );
  table(
    "limits",
    ["Limit", "Unit", "May", "Used", "Left", "Begins anew"],
    limits.map((limit) => [
      limit.policy,
      limit.unit,
      limit.limit ?? "no limit",
      limit.used,
      limit.remaining,
      limit.reset_at?.slice(0, 16).replace("T", " "),
    ]),
  );
}

async function show() {
  const usage = await (await ask(`/api/v1/usage?${question()}`)).json();
  const { limits } = await (await ask("/api/v1/limits")).json();
  draw(usage);
  list(usage, limits);
  if (usage.truncated) {
    throw new Error("There is more than is shown here: ask for a shorter time.");
  }
}

async function download() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await (await ask(`/api/v1/usage/export?${question()}`)).blob());
  link.download = "usage.csv";
  link.click();
  URL.revokeObjectURL(link.href);
}

async function attempt(work) {
  element("trouble").textContent = "";
  try {
    await work();
  } catch (trouble) {
    element("trouble").textContent = trouble.message;
  }
}

const today = new Date();
element("to").value = today.toISOString().slice(0, 10);
element("from").value = new Date(today.getTime() - 6 * 86_400_000).toISOString().slice(0, 10);
element("question").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(show);
});
element("csv").addEventListener("click", () => attempt(download));
