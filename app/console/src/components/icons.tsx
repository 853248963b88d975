/** Icons on a grid of 24, drawn with the color of the text. Decorative: a label always says what they mean. */
const PATHS = {
  home: "M4 11.5 12 4l8 7.5M6 10v9.5h12V10M10 19.5v-5h4v5",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Zm9.5 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z",
  box: "m12 3 8 4.5v9L12 21l-8-4.5v-9L12 3Zm0 9 8-4.5M12 12v9M12 12 4 7.5",
  users: "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20c.5-3.5 3-5.5 6.500-5.500S15 16.500 15.500 20M16 11.500a3 3 0 1 0-1-5.800M17 14.700c2.500.3 4 2 4.500 4.800",
  activity: "M3 12h4l3-8 4 16 3-8h4",
  sliders: "M5 4v7M5 15v5M12 4v3M12 11v9M19 4v9M19 17v3M2.500 13h5M9.500 9h5M16.500 15h5",
  layers: "m12 3 9 5-9 5-9-5 9-5ZM3 12.500l9 5 9-5M3 17l9 5 9-5",
  chart: "M4 4v16h16M8 16v-4M12 16V8M16 16v-6",
  upload: "M12 15V4m-4.500 4L12 3.500 16.500 8M4 15v4.500h16V15",
  key: "M14.500 14a5.500 5.500 0 1 0-5-3.200L3 17.500V21h4v-2.500h2.500V16l2-2a5.500 5.500 0 0 0 3 0ZM16 8.500v.01",
  building: "M5 21V4h10v17M15 9h4v12M3 21h18M8.500 8h3M8.500 12h3M8.500 16h3",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-14v5l3.500 2",
  gauge: "M4 18a9 9 0 1 1 16 0M12 14l4-5",
  shield: "M12 3 5 5.500v6c0 4.500 3 7.500 7 9.500 4-2 7-5 7-9.500v-6L12 3Z",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  download: "M12 4v11m-4.500-4L12 15.500l4.500-4.500M4 15v4.500h16V15",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "m5 12.500 4.500 4.500L19 7.500",
  close: "m6 6 12 12M18 6 6 18",
  menu: "M4 7h16M4 12h16M4 17h16",
  sun: "M12 16.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9ZM12 2v2.500M12 19.500V22M2 12h2.500M19.500 12H22M4.900 4.900l1.800 1.800M17.300 17.300l1.800 1.800M4.900 19.100l1.800-1.800M17.300 6.700l1.800-1.800",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500Z",
  exit: "M14 4H5v16h9M10 12h11m-4-4 4 4-4 4",
  refresh: "M20 11a8 8 0 1 0-2 6M20 5v6h-6",
  search: "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13Zm5-1.500L21 21",
  plus: "M12 5v14M5 12h14",
  warning: "M12 4 2.500 20h19L12 4Zm0 6v4.500M12 17.300v.01",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-10v5.500M12 7.700v.01",
  code: "m8 7-5 5 5 5M16 7l5 5-5 5",
  up: "m6 15 6-6 6 6",
  down: "m6 9 6 6 6-6",
  right: "m9 6 6 6-6 6",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 2-2 5 5M15.500 9.500v.01",
  play: "M7 4.500v15l12-7.500-12-7.500Z",
  undo: "M4 9h10a6 6 0 0 1 0 12H8M4 9l4-4M4 9l4 4",
  edit: "M4 20h4L20 8l-4-4L4 16v4ZM13.500 6.500l4 4",
  hide: "M4 4l16 16M9.900 5.800A9.500 9.500 0 0 1 12 5.500c6 0 9.500 6.500 9.500 6.500a17 17 0 0 1-3 3.700M6 7.500A17 17 0 0 0 2.500 12S6 18.500 12 18.500c1.500 0 2.900-.4 4.100-1",
} as const;

export type IconName = keyof typeof PATHS;

/** `<Icon name="box" />` */
export function Icon({ name, size = 17 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
