// The parts of the house and their powers, from what the meters say: W, positive towards the house.

import { fresh } from "./cards.js";

/** {grid, solar, battery, car, house}: {watts, old}, null where there is none. */
export function part(house, leading, devices) {
  const at = (name) => {
    const device = devices[name];
    const watts = device?.values.power?.value;
    return watts === undefined ? null : { watts, old: !fresh(device) };
  };
  const grid = at(house.grid || leading);
  const suns = house.solar.map((name) => [devices[name], at(name)]).filter(([, told]) => told);
  const solar = suns.length ? {
    watts: suns.reduce((sum, [device, told]) => sum + told.watts * given(device), 0),
    old: suns.some(([, told]) => told.old),
  } : null;
  const stored = at(house.battery); // what it takes is import to it
  const battery = stored && { ...stored, watts: -stored.watts };
  const drawn = at(house.car);
  const car = drawn && { ...drawn, watts: -Math.abs(drawn.watts) };
  const sources = [grid, solar, battery].filter(Boolean);
  const all = grid && { watts: Math.max(0, sources.reduce((sum, { watts }) => sum + watts, 0)),
    old: sources.some(({ old }) => old) };
  return { grid, solar, battery, car, house: all };
}

/** Meters of solar panels are wired either way: the way in which most energy went is production. */
function given({ values }) {
  const [taken, fed] = ["energy_import", "energy_export"].map((name) => values[name]?.value ?? 0);
  if (taken === fed) return values.power.value < 0 ? -1 : 1;
  return fed > taken ? -1 : 1;
}
